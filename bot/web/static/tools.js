// Under an answer: copy it as plain text with sources and contact, print it alone, keep its
// question for the team.
{
  const chat = window.transplantChat;
  const words = chat.words;
  const KINDS = new Set(["answered", "abstained", "declined"]);

  const sourcesOf = (answer) =>
    [...answer.querySelectorAll(".source-group")].flatMap((group) => {
      const lines = [...group.querySelectorAll(":scope > p:not(.group-basis)")];
      const place = lines.map((p) => p.textContent.trim()).join(". ");
      const basis = group.querySelector(".group-basis")?.textContent.trim();
      const quotes = [...group.querySelectorAll("li.source")].flatMap((entry) => {
        const link = entry.querySelector(".source-link");
        const based = entry.querySelector(".source-meta")?.textContent.trim();
        return [`[${entry.value}] "${link.textContent.trim()}"`, link.href, based];
      });
      return [place, ...quotes, basis, ""];
    });

  const textOf = (answer) =>
    [
      `${words.asked}: ${chat.questionOf(answer)}`,
      "",
      ...chat.sentencesOf(answer),
      "",
      ...(answer.querySelector(".source-group") ? [`${words.sources}:`, ...sourcesOf(answer)] : []),
      answer.querySelector(".contact-line")?.textContent.trim(),
      document.querySelector(".standing").textContent.trim(),
    ]
      .filter((line) => line !== undefined)
      .map((line) => line.replace(/\s+/g, " "))
      .join("\n");

  // Without a secure address the browser has no clipboard interface.
  const copyByHand = (text) => {
    const box = document.createElement("textarea");
    box.value = text;
    box.className = "sr-only";
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    return done;
  };

  const copy = async (answer) => {
    const text = textOf(answer);
    try {
      await navigator.clipboard.writeText(text);
      return words.copied;
    } catch {
      return copyByHand(text) ? words.copied : words.not_copied;
    }
  };

  const print = (answer) => {
    const row = answer.closest(".message-row");
    const rows = [...document.querySelectorAll("#log .message-row")];
    for (const shown of [rows[rows.indexOf(row) - 1], row]) shown?.classList.add("print-this");
    document.body.classList.add("print-one");
    window.print();
    return "";
  };

  window.addEventListener("afterprint", () => {
    document.body.classList.remove("print-one");
    for (const row of document.querySelectorAll(".print-this")) row.classList.remove("print-this");
  });

  const DO = {
    copy,
    print,
    add: (answer) => chat.sheet.add(chat.questionOf(answer)),
    sheet: (_, button) => chat.sheet.open(button),
  };

  chat.prepareTools = (answer) => {
    const kind = chat.kindOf(answer);
    if (!KINDS.has(kind)) return;
    const tools = chat.part("tools-part");
    if (kind !== "answered") tools.querySelector("[data-tool=copy]").remove();
    for (const button of tools.querySelectorAll("button")) {
      button.addEventListener("click", async () => {
        const said = tools.querySelector(".tool-said");
        said.textContent = "";
        said.textContent = (await DO[button.dataset.tool](answer, button)) ?? "";
      });
    }
    answer.querySelector(".contact-line").after(tools);
  };
}
