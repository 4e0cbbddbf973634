// Asks one question as a page of useChat does, allows what it is asked for, comes back whenever it is dropped, and prints
// what stands there at last.
// node drops.mjs LIBRARY URL

const [library, url] = process.argv.slice(2);
const { AbstractChat, DefaultChatTransport } = await import(library);

class State {
  messages = [];
  status = "ready";
  error = undefined;
  pushMessage = (message) => { this.messages = [...this.messages, message]; };
  popMessage = () => { this.messages = this.messages.slice(0, -1); };
  replaceMessage = (index, message) => { this.messages = this.messages.with(index, structuredClone(message)); };
  snapshot = (value) => structuredClone(value);
}

class Chat extends AbstractChat {
  constructor(options) { super({ ...options, state: new State() }); }
}

const headers = { "content-type": "application/json" };
const created = await fetch(`${url}api/chats`, { method: "POST", headers, body: "{}" });
const cookie = created.headers.get("set-cookie").split(";")[0];
const { id } = await created.json();
const api = `${url}api/chats/${id}`;

// A browser calls a body that broke a network error; Node says "terminated".
const asBrowser = async (input, options) => {
  const response = await fetch(input, options);
  if (response.body === null) return response;
  const reader = response.body.getReader();
  const body = new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        done ? controller.close() : controller.enqueue(value);
      } catch {
        controller.error(new TypeError("network error"));
      }
    },
  });
  return new Response(body, { status: response.status, headers: response.headers });
};

const chat = new Chat({
  id,
  transport: new DefaultChatTransport({
    api,
    fetch: asBrowser,
    headers: { cookie },
    prepareSendMessagesRequest: ({ messages }) => ({ body: { message: messages.at(-1) } }),
    prepareReconnectToStreamRequest: () => ({ api: `${api}/stream` }),
  }),
});
let visits = 0;
const say = async (message) => {
  visits += 1;
  await chat.sendMessage(message);
  while (chat.status === "error" && visits < 1000) {
    visits += 1;
    await chat.resumeStream();
  }
};
await say({ text: "Tell me" });
const asking = chat.lastMessage.parts.find((part) => part.state === "approval-requested");
if (asking) {
  await chat.addToolApprovalResponse({ id: asking.approval.id, approved: true });
  await say();
}
console.log(JSON.stringify({ visits, status: chat.status, error: chat.error?.message, messages: chat.messages }));
process.exit(0);
