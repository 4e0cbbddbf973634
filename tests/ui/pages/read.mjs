// Reads one answer as a page does, with the library that is named, and prints what the page would show, as JSON.
// node read.mjs LIBRARY URL [MESSAGES]

const [library, url, posted] = process.argv.slice(2);
const messages = posted ? JSON.parse(posted) : [{ id: "u1", role: "user", parts: [{ type: "text", text: "Hi" }] }];

async function useChat(name, again = false) {
  const { DefaultChatTransport, readUIMessageStream } = await import(name);
  const transport = new DefaultChatTransport({ api: url });
  const errors = [];
  let stream;
  try {
    stream = again
      ? await transport.reconnectToStream({ chatId: "c1" })
      : await transport.sendMessages({ trigger: "submit-message", chatId: "c1", messages });
    if (stream === null) return { nothing: true };
  } catch (error) {
    return { refused: error.message };
  }
  const last = messages.at(-1);
  const message = last.role === "assistant" ? last : undefined;
  const seen = [];
  const [shown, raw] = stream.tee();
  const types = (async () => {
    for await (const part of raw) seen.push(part.type);
  })().catch((error) => errors.push(String(error)));
  let final;
  for await (const state of readUIMessageStream({ message, stream: shown, onError: (e) => errors.push(e.message) })) {
    final = structuredClone(state);
  }
  await types;
  return { message: final, errors, types: seen };
}

async function assistantUI() {
  const { UIMessageStreamDecoder, AssistantMessageAccumulator } = await import("assistant-stream");
  const response = await fetch(url, { method: "POST", body: "{}" });
  if (!response.ok) return { refused: await response.text() };
  let final;
  try {
    const stream = response.body.pipeThrough(new UIMessageStreamDecoder()).pipeThrough(new AssistantMessageAccumulator());
    for await (const state of stream) final = state;
  } catch (error) {
    return { message: final, errors: [String(error)] };
  }
  return { message: final, errors: [] };
}

async function agUI() {
  const { HttpAgent } = await import("@ag-ui/client");
  const initialMessages = posted ? messages : [{ id: "u1", role: "user", content: "Hi" }];
  const agent = new HttpAgent({ url, threadId: "t1", initialMessages });
  const errors = [];
  let finished = null;
  try {
    await agent.runAgent({ runId: "r1" }, {
      onRunErrorEvent: ({ event }) => { errors.push(event.message); },
      onRunFinishedEvent: ({ event }) => { finished = event; },
      onRunFailed: ({ error }) => { errors.push(error.message); },
    });
  } catch (error) {
    errors.push(error.message);
  }
  return { messages: agent.messages, errors, finished };
}

const readers = {
  ai6: () => useChat("ai6"),
  ai7: () => useChat("ai7"),
  "ai6 again": () => useChat("ai6", true),
  "ai7 again": () => useChat("ai7", true),
  "assistant-ui": assistantUI,
  "ag-ui": agUI,
};
console.log(JSON.stringify(await readers[library]()));
process.exit(0);
