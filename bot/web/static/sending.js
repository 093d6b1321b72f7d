// One question at a time. While one is under way, a second press asks nothing twice, and a new
// question waits in the box and is sent when the answer is there. Gradio alone would drop it, or
// answer it beside the first and lose one of the two.
{
  const chat = window.transplantChat;
  const BUTTONS = "#starters button, #follow-ups button";
  let sent = "";
  let waits = "";

  const typed = () => document.querySelector("#question textarea")?.value.trim() ?? "";

  const press = (event, fromBox) => {
    if (!chat.waiting.under()) {
      sent = fromBox ? typed() : "";
      waits = "";
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    // Until the server takes it up, the box still holds the question that is under way.
    if (fromBox && typed() !== sent) waits = typed();
  };

  chat.sendNext = () => {
    const next = waits;
    sent = waits = "";
    if (next && next === typed()) document.querySelector("#send").click();
  };

  document.addEventListener(
    "click",
    (event) => {
      if (event.target.closest("#clear")) sent = waits = "";
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
