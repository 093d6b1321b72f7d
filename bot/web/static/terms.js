// Words of the glossary: their links become buttons that open the explanation right there, by tap
// or Enter, and close with Esc or their own button. Not button elements: those break a line of text
// before and after them, so that a full stop could begin the next line.
{
  const chat = window.transplantChat;
  let open = null;

  const close = (back) => {
    if (!open) return;
    const { button, note } = open;
    open = null;
    note.remove();
    button.setAttribute("aria-expanded", "false");
    if (back) {
      button.focus();
      chat.say(chat.words.term_closed);
    }
  };

  const explain = (button, entry) => {
    const again = open?.button === button;
    close(again);
    if (again) return;
    const name = entry.textContent;
    const text = entry.nextElementSibling;
    const note = chat.part("note-part");
    const strong = document.createElement("strong");
    strong.textContent = `${name}: `;
    const body = note.querySelector(".term-text");
    body.append(strong, ...[...text.childNodes].map((node) => node.cloneNode(true)));
    body.lang = text.lang;
    const shut = note.querySelector("button");
    shut.setAttribute("aria-label", `${shut.textContent}: ${name}`);
    shut.addEventListener("click", () => close(true));
    (button.closest(".statements") ?? button).after(note);
    button.setAttribute("aria-expanded", "true");
    open = { button, note };
    chat.say(`${name}: ${text.firstChild.textContent.trim()}`);
  };

  chat.prepareTerms = (answer) => {
    for (const link of answer.querySelectorAll("a.term")) {
      const entry = document.getElementById(link.getAttribute("href").slice(1));
      const button = document.createElement("span");
      button.role = "button";
      button.tabIndex = 0;
      button.className = "term";
      button.textContent = link.textContent;
      button.setAttribute("aria-expanded", "false");
      button.addEventListener("click", () => explain(button, entry));
      button.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault(); // the space bar would scroll
        explain(button, entry);
      });
      link.replaceWith(button);
    }
  };

  chat.closeTerm = close;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close(true);
  });
}
