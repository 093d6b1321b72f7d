// What Gradio leaves out for people who do not see the page or use it by touch: one announcement
// for each answer, in-page jumps, the view at the start of a new answer, words when it is slow.
// The chat works without this file. It stores nothing and sends nothing.
const words = document.getElementById("words").dataset;
const announcer = document.getElementById("announcer");
const trouble = document.getElementById("trouble");
const SLOW_MS = 15000;
let announced = 0;
let slowTimer = 0;

const say = (text) => {
  announcer.textContent = "";
  window.setTimeout(() => (announcer.textContent = text), 50);
};

const show = (text) => {
  trouble.textContent = text ? `${text} ${words.contact}` : "";
  trouble.hidden = !text;
};

const motion = () =>
  matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";

const go = (target) => {
  target.scrollIntoView({ behavior: motion(), block: "center" });
  target.focus({ preventScroll: true });
};

// Gradio's log is a live region of its own, which would read the whole answer with its sources and
// the HTML in the label of each message. Ours says once that the answer is there.
const quieten = () => {
  for (const log of document.querySelectorAll("#log [role=log]")) {
    log.setAttribute("aria-live", "off");
    log.setAttribute("aria-label", words.log);
  }
  for (const message of document.querySelectorAll("#log [data-testid][aria-label]")) {
    message.removeAttribute("aria-label");
  }
  for (const link of document.querySelectorAll("#log a[href^='tel:'], #log a[href^='sms:']")) {
    link.removeAttribute("target");
  }
};

const arrived = () => {
  quieten();
  const pending = document.querySelector("#log .pending");
  const answers = document.querySelectorAll("#log .answer");
  if (pending && !slowTimer) {
    slowTimer = window.setTimeout(() => show(words.slow), SLOW_MS);
    document.querySelector("#log .user-row:last-of-type")?.scrollIntoView({ block: "nearest" });
  }
  if (!pending && slowTimer) {
    window.clearTimeout(slowTimer);
    slowTimer = 0;
    show("");
  }
  if (pending || answers.length === announced) return;
  const added = answers.length > announced;
  announced = answers.length;
  if (!added) return;
  const last = answers[answers.length - 1];
  // An alert announces itself.
  if (!last.querySelector("[role=alert]") && last.getAttribute("role") !== "alert") say(words.ready);
  if (matchMedia("(pointer: coarse)").matches) document.activeElement?.blur();
  const rows = document.querySelectorAll("#log .user-row");
  rows[rows.length - 1]?.scrollIntoView({ behavior: motion(), block: "start" });
};

let queued = false;
new MutationObserver(() => {
  if (queued) return;
  queued = true;
  requestAnimationFrame(() => {
    queued = false;
    if (document.querySelector("#question textarea")) {
      document.getElementById("loading")?.remove();
    }
    arrived();
  });
}).observe(document.querySelector("gradio-app"), { childList: true, subtree: true });

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (link) {
    const target =
      link.hash === "#question"
        ? document.querySelector("#question textarea")
        : document.getElementById(link.hash.slice(1));
    if (target) {
      event.preventDefault();
      go(target);
    }
    return;
  }
  if (event.target.closest("#clear")) {
    say(words.cleared);
    document.querySelector("#question textarea")?.focus();
  }
});

window.addEventListener("offline", () => show(words.offline));
window.addEventListener("online", () => show(""));
