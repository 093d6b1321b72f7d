// One question at a time. While one is under way, a second press asks nothing twice, and a new
// question waits in the box and is sent when the answer is there. Gradio alone would drop it, or
// answer it beside the first and lose one of the two.
{
  const chat = window.transplantChat;
  const BUTTONS = "#starters button, #follow-ups button";
  let sent = "";
  let waits = "";
  let since = "";

  const typed = () => document.querySelector("#question textarea")?.value.trim() ?? "";

  const press = (event, fromBox) => {
    if (!chat.waiting.under()) {
      sent = fromBox ? typed() : "";
      waits = since = "";
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    // Until the server takes it up, the box still holds the question that is under way.
    if (fromBox && typed() !== sent) waits = typed();
  };

  // The server empties the box when it takes a question up; what was typed since comes back.
  const keepTyped = () => {
    const box = document.querySelector("#question textarea");
    if (!box || box.value || !since || since.trim() === sent) return;
    box.value = since;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  };

  // After an alarm nothing follows by itself: its card must stay on the screen.
  chat.sendNext = (last) => {
    keepTyped();
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
      else if (event.target.closest("#send")) press(event, true);
      else if (event.target.closest(BUTTONS)) press(event, false);
    },
    { capture: true },
  );

  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      if (event.target.closest("#question")) press(event, true);
    },
    { capture: true },
  );
}
