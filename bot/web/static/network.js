// Says in words when a question cannot get through: no connection, too many questions, a fault.
// Gradio's own messages are hidden: they are English only and name no one to call.
{
  const chat = window.transplantChat;
  const words = chat.words;
  const send = window.fetch.bind(window);
  const JOIN = "/gradio_api/queue/join";
  const DATA = "/gradio_api/queue/data";
  const GONE_MS = 300;
  const MOST_MS = 3000;
  const LOOK_MS = 3000;
  const SLOW_MS = 15000;
  const SAID = { 413: words.too_large, 429: words.limit, 503: words.busy, 504: words.busy };
  let began = 0;
  let looking = 0;
  let slow = 0;
  let clearing = false;
  let before = "";

  const lastAnswer = () => [...document.querySelectorAll("#log .answer")].pop()?.id ?? "";

  const reachable = () =>
    send("/healthz", { cache: "no-store", signal: AbortSignal.timeout(2500) }).then(
      (response) => response.ok,
      () => false,
    );

  // Until the server takes the question up, its own words for waiting are not there yet.
  const sending = () => {
    let line = document.getElementById("sending");
    if (!line) {
      line = document.createElement("p");
      line.id = "sending";
      line.className = "pending";
      const circle = document.createElement("span");
      circle.className = "spinner";
      line.append(circle, words.waiting);
      document.getElementById("composer").prepend(line);
    }
    return line;
  };

  chat.waiting = {
    // Until the answer is on the page, whether or not it was announced already.
    under() {
      return looking !== 0 && lastAnswer() === before;
    },
    begin() {
      this.stop();
      began = document.timeline.currentTime;
      before = lastAnswer();
      document.body.style.setProperty("--waited", "0s");
      sending().hidden = false;
      slow = window.setTimeout(() => chat.show(words.slow), SLOW_MS);
      looking = window.setInterval(async () => {
        if (!(await reachable()) && looking) chat.lose();
      }, LOOK_MS);
    },
    // The words in the conversation go on where those above the box end, with no gap between:
    // counted by the clock of the animations, which on a busy machine is behind the other one.
    taken() {
      document.body.style.setProperty("--waited", `${document.timeline.currentTime - began}ms`);
      sending().hidden = true;
      chat.freeBox();
    },
    end() {
      chat.freeBox();
      this.stop();
    },
    stop() {
      sending().hidden = true;
      window.clearTimeout(slow);
      window.clearInterval(looking);
      looking = 0;
    },
  };

  chat.lose = () => {
    chat.waiting.end();
    document.body.classList.add("lost");
    chat.show(words.lost);
  };

  chat.found = () => {
    document.body.classList.remove("lost");
    chat.show("");
  };

  // When the page leaves the stream of an answer, the server ends all that the page has asked: also
  // a question that came a moment before. So a question waits until that is over.
  let streams = Promise.resolve();
  const pause = (ms) => new Promise((done) => window.setTimeout(done, ms));

  const followed = (response) => {
    const reader = response.clone().body.getReader();
    const over = async () => {
      for (;;) if ((await reader.read()).done) return;
    };
    streams = over()
      .catch(() => {}) // the page left it
      .then(() => pause(GONE_MS));
    return response;
  };

  window.fetch = async (input, init) => {
    const address = typeof input === "string" ? input : (input.url ?? String(input));
    if (address.includes(DATA)) return followed(await send(input, init));
    if (!address.includes(JOIN)) return send(input, init);
    chat.found();
    const wipes = clearing;
    clearing = false;
    if (!wipes) {
      chat.waiting.begin();
      await Promise.race([streams, pause(MOST_MS)]);
    }
    try {
      const response = await send(input, init);
      if (!response.ok) {
        chat.waiting.end();
        chat.show(SAID[response.status] ?? words.failed);
      }
      return response;
    } catch (error) {
      chat.lose();
      throw error;
    }
  };

  // Clearing is a message to the server, too, but nobody waits for it.
  document.addEventListener(
    "click",
    (event) => {
      if (event.target.closest("#clear")) clearing = true;
    },
    { capture: true },
  );
  window.addEventListener("offline", () => chat.lose());
  window.addEventListener("online", () => chat.found());
}
