// Moves focus to the marked sentence, so that a screen reader starts reading there. Without this
// script the link's #quote still scrolls to it.
const mark = document.getElementById("quote");
if (mark && location.hash === "#quote") {
  mark.focus({ preventScroll: true });
  mark.scrollIntoView({ block: "center" });
}
