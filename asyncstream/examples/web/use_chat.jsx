// The page for use_chat_on_aiohttp.py and use_chat_on_fastapi.py: esbuild use_chat.jsx --bundle --jsx=automatic
import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";
import { createRoot } from "react-dom/client";

const headers = { "Content-Type": "application/json" };
const load = async (id) => (await fetch(`/api/chats/${id}`)).json();
const asked = (messages) => messages.filter(({ role }) => role === "user").length;

function Part({ part, answer }) {
  if (part.type === "text") return <p>{part.text}</p>;
  if (part.type !== "dynamic-tool") return null;
  return (
    <div className="tool" data-state={part.state}>
      <code>{part.toolName} {JSON.stringify(part.input)}</code> <output>{part.output ?? part.errorText ?? part.state}</output>
      {part.state === "approval-requested" && [true, false].map((approved) => (
        <button key={approved} onClick={() => answer({ id: part.approval.id, approved })}>{approved ? "Allow" : "Deny"}</button>
      ))}
    </div>
  );
}

function Chat({ id, messages: initial, answering }) {
  const api = `/api/chats/${id}`;
  // An answer that has ended meanwhile is not streamed again: it stands in what was said, as soon as it is saved.
  const catchUp = async (tries) => {
    const kept = await load(id);
    if (kept.answering && tries > 0) setTimeout(catchUp, 300, tries - 1);
    else if (!kept.answering) setMessages((shown) => asked(shown) === asked(kept.messages) ? kept.messages : shown);
  };
  const { messages, status, error, sendMessage, setMessages, stop, addToolApprovalResponse } = useChat({
    id, messages: initial, resume: answering,
    // The server keeps what was said: the page posts its last message alone.
    transport: new DefaultChatTransport({
      api,
      fetch: async (...request) => {
        const response = await fetch(...request);
        if (response.status === 204) catchUp(20);
        return response;
      },
      prepareSendMessagesRequest: ({ messages }) => ({ body: { message: messages.at(-1) } }),
      prepareReconnectToStreamRequest: () => ({ api: `${api}/stream` }),
    }),
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  });
  const busy = status === "submitted" || status === "streaming";
  const ask = (event) => { event.preventDefault(); sendMessage({ text: new FormData(event.target).get("text") }); event.target.reset(); };
  // Leaving only closes the page's connection; Stop tells the server.
  const halt = () => fetch(`${api}/stop`, { method: "POST", headers }).catch(stop);
  return (
    <main data-status={status}>
      {messages.map(({ id, role, parts }) => (
        <section key={id} id={id} className={role}>{parts.map((part, i) => <Part key={i} part={part} answer={addToolApprovalResponse} />)}</section>
      ))}
      {error && <p role="alert">{error.message}</p>}
      <form onSubmit={ask}><input name="text" required autoFocus />{busy ? <button type="button" onClick={halt}>Stop</button> : <button>Send</button>}</form>
    </main>
  );
}

const begin = async () => (await (await fetch("/api/chats", { method: "POST", headers })).json()).id;
const id = location.hash.slice(1) || await begin();
location.hash = id;
createRoot(document.getElementById("root")).render(<Chat id={id} {...await load(id)} />);
