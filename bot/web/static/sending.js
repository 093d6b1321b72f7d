// One question at a time. While one is under way, a second press asks nothing twice, and a new
// question waits in the box and is sent when the answer is there. Gradio alone would drop it, or
// answer it beside the first and lose one of the two. For the same reason the question of a button
// goes through the box: to Gradio all questions are one event, and so it keeps the last of them.
{
  const chat = window.transplantChat;
  const BUTTONS = "#starters .starter, #follow-ups .starter, #log button.offer";
  const FREE_MS = 5000;
  let sent = "";
  let waits = "";
  let since = "";

  const box = () => document.querySelector("#question textarea");
  const typed = () => box()?.value.trim() ?? "";

  const fill = (text) => {
    box().value = text;
    box().dispatchEvent(new Event("input", { bubbles: true }));
  };

  const press = (event) => {
    // A button's question lies in the box and will be sent: only that press may come through.
    const held = box()?.readOnly && event.isTrusted;
    if (!held && !chat.waiting.under()) {
      sent = typed();
      waits = since = "";
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    if (held) return;
    // Until the server takes it up, the box still holds the question that is under way.
    if (typed() !== sent) waits = typed();
  };

  // What somebody was typing beside the button comes back when the server has taken its question.
  const pressButton = (button) => {
    if (!box() || box().readOnly || chat.waiting.under()) return;
    const draft = box().value;
    fill(button.textContent.trim());
    box().readOnly = true;
    window.setTimeout(() => {
      document.querySelector("#send").click();
      since = draft;
    });
    window.setTimeout(() => chat.waiting.under() || chat.freeBox(), FREE_MS);
  };

  // What is offered in the place of an answer is asked here; a link would lead to its page.
  chat.prepareOffers = (answer) => {
    for (const link of answer.querySelectorAll("a.offer")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "offer";
      button.lang = link.lang;
      button.textContent = link.firstChild.textContent;
      link.replaceWith(button);
    }
  };

  chat.freeBox = () => {
    if (box()) box().readOnly = false;
  };

  // The server empties the box when it takes a question up; what was typed since comes back.
  chat.keepTyped = () => {
    if (!box() || box().value || !since || since.trim() === sent) return;
    fill(since);
  };

  // After an alarm nothing follows by itself: its card must stay on the screen.
  chat.sendNext = (last) => {
    chat.keepTyped();
    if (last?.matches("[role=alert]") || last?.querySelector("[role=alert]")) waits = "";
    const next = waits;
    sent = waits = since = "";
    // Gradio hears a moment after the answer that it is complete, and may lose what comes between.
    window.setTimeout(() => {
      if (next && next === typed()) document.querySelector("#send").click();
    }, 300);
  };

  document.addEventListener("input", (event) => {
    if (!event.target.closest("#question") || !chat.waiting.under()) return;
    since = event.target.value;
  });

  document.addEventListener(
    "click",
    (event) => {
      if (event.target.closest("#clear")) sent = waits = since = "";
      else if (event.target.closest("#send")) press(event);
      else if (event.target.closest(BUTTONS)) pressButton(event.target.closest(BUTTONS));
    },
    { capture: true },
  );

  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      if (event.target.closest("#question")) press(event);
    },
    { capture: true },
  );
}
