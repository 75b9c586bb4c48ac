// The conversation about a case: streamed, resumed where the connection broke, stoppable.

import { $, $$, body, dress, get } from "./dom.js";
import { picked } from "./queue.js";

let talk = null;

function bubble(log, who, me) {
  const box = document.createElement("div");
  box.className = me ? "said-by me" : "said-by live";
  const meta = document.createElement("span");
  meta.className = "meta";
  meta.textContent = who;
  const text = document.createElement("div");
  text.className = "text";
  box.append(meta, text);
  log.append(box);
  return box;
}

export async function ask(form) {
  const field = $("textarea", form);
  const question = field.value.trim();
  if (!question || talk) return;
  const log = $("#chat-log");
  $(".empty", log)?.remove();
  $(".text", bubble(log, body.dataset.person, true)).textContent = question;
  const answer = bubble(log, "tieout", false);
  field.value = "";
  answer.scrollIntoView({ block: "nearest" });
  const cases = picked().filter((id) => id !== form.dataset.chat);
  talk = { form, answer, id: null, last: null, acted: false, over: false, control: new AbortController() };
  $("[data-stop]", form).hidden = false;
  const mine = talk;
  for (let tries = 0; !mine.over && tries < 6; tries++) {
    if (tries) await new Promise((done) => setTimeout(done, 400 * 2 ** tries));
    await stream(mine, { question, cases }).catch(() => {});
  }
  if (!mine.over) say(mine, "error", { message: "The connection was lost; ask again." });
  answer.classList.remove("live");
  talk = null;
  const stopButton = $("[data-stop]", form);
  if (stopButton) stopButton.hidden = true;
  if ($(`.case[data-id="${CSS.escape(form.dataset.chat)}"]`)) await retell(mine.acted);
}

async function stream(chat, words) {
  const headers = { "content-type": "application/json", accept: "text/event-stream" };
  if (chat.last) headers["last-event-id"] = chat.last;
  const answer = await fetch(`/api/v1/cases/${encodeURIComponent(chat.form.dataset.chat)}/chat`, {
    method: "POST", headers, body: JSON.stringify(words), signal: chat.control.signal,
  });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    return say(chat, "error", { message: problem.detail ?? `The server answered ${answer.status}.` });
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const parts = rest.split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const event = { kind: "message", data: "" };
      for (const line of part.split("\n")) {
        if (line.startsWith("event:")) event.kind = line.slice(6).trim();
        else if (line.startsWith("data:")) event.data += line.slice(5);
        else if (line.startsWith("id:")) chat.last = line.slice(3).trim();
      }
      chat.id = chat.last?.split(":")[0] ?? chat.id;
      if (event.data) say(chat, event.kind, JSON.parse(event.data));
    }
  }
}

function say(chat, kind, data) {
  const text = $(".text", chat.answer);
  const meta = $(".meta", chat.answer);
  switch (kind) {
    case "token":
      text.append(typeof data === "string" ? data : data.text ?? data.token ?? "");
      if (chat.answer.getBoundingClientRect().bottom > innerHeight - 90) chat.answer.scrollIntoView({ block: "end" });
      break;
    case "tool":
      meta.textContent += `${meta.textContent.includes("looked up") ? "," : " · looked up"} ${String(data.name ?? data.tool ?? data).replaceAll("_", " ")}`;
      break;
    case "action":
      chat.acted = true;
      break;
    case "done":
      chat.over = true;
      if (data.stopped) meta.textContent = "tieout · stopped";
      break;
    case "error":
      chat.over = true;
      text.append(text.textContent ? " " : "", data.message ?? "Something went wrong; ask again.");
      text.classList.add("red");
      break;
  }
}

export function stop() {
  if (!talk) return;
  const { form, id, control, answer } = talk;
  $(".meta", answer).textContent = "tieout · stopped";
  talk.over = true;
  if (id) fetch(`/api/v1/cases/${encodeURIComponent(form.dataset.chat)}/chat/${id}`, { method: "DELETE" });
  control.abort();
}

const asked = (log) => $$(".me .text", log).at(-1)?.textContent.trim();

// After an answer: the conversation with its links, and the drafts if they were revised.
async function retell(acted) {
  try {
    const page = await get(location.href, "case");
    const writing = document.activeElement?.closest("#drafts");
    for (const part of acted && !writing ? ["#chat", "#drafts"] : ["#chat"]) {
      const [old, fresh] = [$(part), $(part, page)];
      if (old && fresh && (part === "#drafts" || asked(fresh) === asked(old))) old.replaceWith(fresh);
    }
    dress($("#pane"));
    $("#chat-log")?.lastElementChild?.scrollIntoView({ block: "nearest" });
  } catch { /* what was streamed stays */ }
}
