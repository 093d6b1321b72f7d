// The take-home sheet: made here from what is on the page, kept in memory, gone with the page.
{
  const chat = window.transplantChat;
  const words = chat.words;
  const sheet = document.getElementById("sheet");
  const list = document.getElementById("sheet-questions");
  const box = document.getElementById("sheet-question");
  const said = document.getElementById("sheet-said");
  const questions = [];
  const leftOut = new Set();
  let cameFrom = null;

  const make = (tag, text, name) => {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    if (name) element.className = name;
    return element;
  };

  const button = (text, label, act) => {
    const made = make("button", text, "tool screen-only");
    made.type = "button";
    made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  };

  const drawQuestions = () => {
    document.getElementById("sheet-empty").hidden = questions.length > 0;
    list.replaceChildren(
      ...questions.map((question) => {
        const item = make("li", question);
        item.append(
          button("×", `${words.remove} ${question}`, () => {
            questions.splice(questions.indexOf(question), 1);
            drawQuestions();
            said.textContent = words.removed;
            box.focus();
          }),
        );
        return item;
      }),
    );
  };

  // A quote on paper needs its place in words: a link cannot be pressed there.
  const quotesOf = (answer) =>
    [...answer.querySelectorAll(".source-group")].map((group) => {
      const part = make("div", "", "sheet-quote");
      const guide = group.querySelector(".source-title").lang;
      for (const entry of group.querySelectorAll("li.source")) {
        const quote = entry.querySelector(".source-link").textContent.trim();
        const line = make("p", `[${entry.value}] “${quote}”`);
        line.lang = guide;
        part.append(line);
      }
      for (const line of group.querySelectorAll(".source-title, .source-meta")) {
        const copy = make("p", line.textContent.replace(/\s+/g, " ").trim(), "source-meta");
        copy.lang = line.lang;
        part.append(copy);
      }
      return part;
    });

  const drawAnswers = () => {
    const answers = [...document.querySelectorAll("#log .answer-answered")].filter(
      (answer) => !leftOut.has(answer.id),
    );
    const drawn = answers.map((answer) => {
      const part = make("section", "", "sheet-answer");
      const question = chat.questionOf(answer);
      part.append(make("h2", `${words.asked}: ${question}`));
      for (const block of answer.querySelectorAll(".alert, .statements, .differ, .notices")) {
        const copy = block.cloneNode(true);
        copy.removeAttribute("role");
        for (const term of copy.querySelectorAll(".term")) term.replaceWith(term.textContent);
        for (const mark of copy.querySelectorAll(".cite")) {
          mark.replaceWith(mark.textContent.replace(/^\D*/, "["));
        }
        for (const title of copy.querySelectorAll("h4")) {
          title.replaceWith(make("h3", title.textContent));
        }
        part.append(copy);
      }
      part.append(make("h3", words.sources), ...quotesOf(answer));
      part.append(
        button(words.leave_out, `${words.leave_out}: ${question}`, () => {
          leftOut.add(answer.id);
          drawAnswers();
          said.textContent = words.left_out;
          sheet.focus();
        }),
      );
      return part;
    });
    const none = make("p", words.no_answers);
    document.getElementById("sheet-answers").replaceChildren(...(drawn.length ? drawn : [none]));
  };

  const close = () => {
    document.body.classList.remove("sheet-open");
    sheet.hidden = true;
    document.getElementById("sheet-answers").replaceChildren();
    leftOut.clear();
    (cameFrom?.isConnected ? cameFrom : document.querySelector("#question textarea"))?.focus();
  };

  chat.sheet = {
    add(question) {
      if (!question) return "";
      if (questions.includes(question)) return words.already;
      questions.push(question);
      drawQuestions();
      return words.added;
    },
    open(from) {
      cameFrom = from;
      chat.closeTerm(false);
      drawAnswers();
      sheet.hidden = false;
      document.body.classList.add("sheet-open");
      window.scrollTo(0, 0);
      sheet.focus();
    },
    clear() {
      questions.length = 0;
      box.value = "";
      said.textContent = "";
      drawQuestions();
      if (!sheet.hidden) close();
    },
  };

  document.getElementById("sheet-back").addEventListener("click", close);
  document.getElementById("sheet-print").addEventListener("click", () => window.print());
  document.getElementById("sheet-add").addEventListener("submit", (event) => {
    event.preventDefault();
    said.textContent = chat.sheet.add(box.value.trim());
    box.value = "";
    box.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !sheet.hidden) close();
  });
}
