// What the scripts of the chat page share. They add to a page that works without them, store
// nothing in the browser, and send nothing but feedback.
window.transplantChat = {
  words: JSON.parse(document.getElementById("words").textContent),

  // One polite announcement, for people who do not see the page.
  say(text) {
    const announcer = document.getElementById("announcer");
    announcer.textContent = "";
    window.setTimeout(() => (announcer.textContent = text), 50);
  },

  // A trouble line that stays in view, with whom to call; an empty text takes it away.
  show(text) {
    const trouble = document.getElementById("trouble");
    const said = document.createElement("p");
    said.className = "trouble-said";
    said.textContent = text;
    const call = [...document.querySelectorAll(".reach p")].map((p) => p.cloneNode(true));
    trouble.replaceChildren(...(text ? [said, ...call] : []));
    trouble.hidden = !text;
  },

  motion() {
    return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  },

  go(target) {
    target.scrollIntoView({ behavior: this.motion(), block: "center" });
    target.focus({ preventScroll: true });
  },

  // A copy of a part whose words the server wrote.
  part(id) {
    return document.getElementById(id).content.firstElementChild.cloneNode(true);
  },

  // The question that an answer belongs to, in the reader's own words.
  questionOf(answer) {
    const rows = [...document.querySelectorAll("#log .message-row")];
    const row = answer.closest(".message-row");
    const asked = rows[rows.indexOf(row) - 1]?.querySelector(".asked");
    if (!asked) return "";
    const copy = asked.cloneNode(true);
    copy.querySelector(".sr-only")?.remove();
    return copy.textContent.trim();
  },

  // The sentences of an answer without marks; where there are none, what it says instead.
  sentencesOf(answer) {
    const blocks = answer.querySelectorAll("p.statements, ul.statements > li");
    const shown = blocks.length ? blocks : answer.querySelectorAll(".answer-lead, .notices > li");
    return [...shown].map((block) => {
      const copy = block.cloneNode(true);
      for (const mark of copy.querySelectorAll(".cite")) mark.remove();
      return copy.textContent.replace(/\s+/g, " ").trim();
    });
  },

  kindOf(answer) {
    return [...answer.classList].find((name) => name.startsWith("answer-")).slice(7);
  },
};
