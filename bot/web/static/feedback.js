// Feedback on an answer. Without the reader's tick no word of theirs leaves the page.
{
  const chat = window.transplantChat;
  const words = chat.words;
  const sent = new Map();

  const sourcesOf = (answer) => [
    ...new Set(
      [...answer.querySelectorAll(".source-link")].map((link) =>
        decodeURIComponent(new URL(link.href).pathname.replace("/sources/", "")),
      ),
    ),
  ];

  const bodyOf = (answer, form) => {
    const chosen = new FormData(form);
    const share = chosen.get("share") === "yes";
    const body = {
      verdict: chosen.get("verdict"),
      outcome: chat.kindOf(answer),
      sources: sourcesOf(answer),
      index: answer.querySelector(".index-name").textContent || null,
      share,
    };
    if (share) {
      body.question = chat.questionOf(answer);
      body.answer = chat.sentencesOf(answer).join(" ");
      body.comment = chosen.get("comment");
    }
    return body;
  };

  const thank = (form, text) => {
    const said = form.querySelector(".tool-said");
    const focused = form.contains(document.activeElement);
    form.replaceChildren(said);
    if (focused) {
      // The button that was pressed is gone. The focus reads the words, so the status need not.
      said.removeAttribute("role");
      said.tabIndex = -1;
    }
    said.textContent = text;
    if (focused) said.focus();
  };

  chat.prepareFeedback = (answer) => {
    if (!document.getElementById("feedback-part") || !answer.querySelector(".tools")) return;
    const form = chat.part("feedback-part");
    answer.append(form);
    if (sent.has(answer.id)) {
      thank(form, sent.get(answer.id));
      return;
    }
    for (const radio of form.querySelectorAll("[type=radio]")) radio.name = "verdict";
    const more = form.querySelector(".feedback-more");
    more.hidden = true;
    form.addEventListener("change", () => (more.hidden = false));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const body = bodyOf(answer, form);
      const response = await fetch("/api/v1/feedback", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }).catch(() => null);
      if (!response?.ok) {
        form.querySelector(".tool-said").textContent =
          response?.status === 429 ? words.limit : words.feedback_failed;
        return;
      }
      const thanks = body.share ? words.thanks_shared : words.thanks;
      sent.set(answer.id, thanks);
      thank(form, thanks);
    });
  };

  chat.clearFeedback = () => sent.clear();
}
