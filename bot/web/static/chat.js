// What Gradio leaves out for people who do not see the page or use it by touch: one announcement
// for each answer, in-page jumps, the view at the start of a new answer, and what each answer can
// do. The chat answers without this file.
{
  const chat = window.transplantChat;
  const words = chat.words;
  let announced = "";

  // Gradio's log is a live region of its own, which would read the whole answer with its sources
  // and the HTML in the label of each message. Ours says once that the answer is there.
  const quieten = () => {
    for (const log of document.querySelectorAll("#log [role=log]")) {
      log.setAttribute("aria-live", "off");
      log.setAttribute("aria-label", words.log);
    }
    for (const message of document.querySelectorAll("#log [data-testid][aria-label]")) {
      message.removeAttribute("aria-label");
    }
    for (const group of document.querySelectorAll("#about-you fieldset:not([aria-label])")) {
      group.setAttribute("aria-label", group.querySelector("[data-testid=block-info]").textContent);
    }
    // What is offered next comes from the guides, and so is in their language.
    const guides = [...document.querySelectorAll("#log .statements")].pop()?.lang ?? "";
    for (const button of document.querySelectorAll("#follow-ups button")) button.lang = guides;
    const box = document.querySelector("#question textarea");
    if (box) box.dir = "auto";
    for (const link of document.querySelectorAll("#log a[href^='tel:'], #log a[href^='sms:']")) {
      link.removeAttribute("target");
    }
  };

  // Gradio may draw a message anew, so each look finds out what is still to do.
  const prepare = (answer) => {
    if (answer.querySelector(".prepared")) return;
    const mark = document.createElement("span");
    mark.className = "prepared";
    mark.hidden = true;
    answer.append(mark);
    chat.prepareTerms(answer);
    chat.prepareOffers(answer);
    chat.prepareTools(answer);
    chat.prepareFeedback(answer);
  };

  // A long answer has many stops: by keyboard, its start is one stop back from the question box.
  const offerStart = (asked) => {
    if (asked?.id === "asked-last") return;
    document.getElementById("asked-last")?.removeAttribute("id");
    document.getElementById("to-answer")?.remove();
    if (!asked) return;
    asked.id = "asked-last";
    asked.tabIndex = -1;
    const link = document.createElement("a");
    link.id = "to-answer";
    link.href = "#asked-last";
    link.textContent = words.to_answer;
    document.getElementById("composer").prepend(link);
  };

  const show = (rows, last) => {
    // An alert announces itself.
    if (!last.querySelector("[role=alert]") && last.getAttribute("role") !== "alert") {
      chat.say(words.ready);
    }
    // The keyboard on the screen would cover the answer.
    const typing = document.activeElement?.closest("#composer");
    if (typing && matchMedia("(pointer: coarse)").matches) document.activeElement.blur();
    // A long question must not keep its answer, or an alarm, off the screen.
    const row = rows[rows.length - 1];
    const long = row?.getBoundingClientRect().height > window.innerHeight * 0.3;
    (long ? last : row)?.scrollIntoView({ behavior: chat.motion(), block: "start" });
  };

  let waited = false;
  const look = () => {
    const pending = document.querySelector("#log .pending");
    const answers = document.querySelectorAll("#log .answer");
    const rows = document.querySelectorAll("#log .user-row");
    answers.forEach(prepare);
    offerStart(rows[rows.length - 1]?.querySelector(".asked"));
    if (pending && !waited) {
      waited = true;
      chat.waiting.taken();
      chat.keepTyped();
      rows[rows.length - 1]?.scrollIntoView({ block: "nearest" });
    }
    if (pending) return;
    waited = false;
    // By its id and not by counting: a long conversation loses its oldest answer for each new one.
    // A quick answer may come before its words for waiting were ever seen here.
    const last = answers[answers.length - 1];
    if ((last?.id ?? "") === announced) return;
    announced = last?.id ?? "";
    chat.waiting.end();
    chat.found();
    if (last) show(rows, last);
    chat.sendNext(last);
  };

  const clear = () => {
    chat.closeTerm(false);
    chat.sheet.clear();
    chat.clearFeedback();
    chat.waiting.end();
    chat.found();
    chat.say(words.cleared);
    document.querySelector("#question textarea")?.focus();
  };

  let queued = false;
  new MutationObserver(() => {
    quieten(); // at once: by the next frame, the browser has told screen readers what is new
    if (queued) return;
    queued = true;
    requestAnimationFrame(() => {
      queued = false;
      if (document.querySelector("#question textarea")) {
        document.getElementById("loading")?.remove();
      }
      look();
    });
  }).observe(document.querySelector("gradio-app"), { childList: true, subtree: true });

  document.addEventListener("click", (event) => {
    if (event.target.closest("#clear")) {
      clear();
      return;
    }
    const link = event.target.closest("a[href^='#']");
    const target =
      link?.hash === "#question"
        ? document.querySelector("#question textarea")
        : link && document.getElementById(link.hash.slice(1));
    if (target) {
      event.preventDefault();
      chat.go(target);
    }
  });
}
