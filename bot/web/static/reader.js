// Adds to a reader that works without it: the focus on the passage one came for, one announcement,
// the way back to the answer. Without it the address still scrolls there.
{
  const mark = document.getElementById("quote");
  const said = document.getElementById("reader-said");
  const back = document.getElementById("back-to-answer");
  const note = document.getElementById("back-note");
  const print = document.getElementById("print");

  const show = () => {
    const heading = /^#part-\d+$/.test(location.hash) && document.querySelector(location.hash);
    const target = location.hash === "#quote" ? mark : heading;
    if (!target) return;
    if (heading) heading.tabIndex = -1;
    target.focus({ preventScroll: true });
    target.scrollIntoView({ block: target === mark ? "center" : "start" });
    if (target === mark && said) {
      // A live region must be there before its words are.
      said.textContent = "";
      window.setTimeout(() => (said.textContent = said.dataset.said), 100);
    }
  };
  show();
  window.addEventListener("hashchange", show);

  // The steps take no places in the tab's history: going back leads to the answer, and a tab that
  // a link opened can only be closed by us while it holds one page.
  for (const step of document.querySelectorAll(".trail a.step")) {
    step.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      location.replace(step.href);
    });
  }

  if (back && history.length === 1) {
    back.hidden = false;
    note.hidden = true;
    back.addEventListener("click", () => {
      window.close();
      // Some browsers keep the tab; then the words say what to do.
      window.setTimeout(() => {
        note.hidden = false;
        said.textContent = note.textContent;
      }, 300);
    });
  }

  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }
}
