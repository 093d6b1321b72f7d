// Makes the list of guides shorter while one types. What is typed stays in the page; the button
// sends it as a form, as it does without this script.
{
  const box = document.getElementById("library-words");
  const said = document.getElementById("filter-said");
  const SAY_MS = 600;
  let later = 0;

  const plain = (text) =>
    text
      .normalize("NFD")
      .replace(/\p{M}/gu, "")
      .toLowerCase();

  const entries = [...document.querySelectorAll(".entry")].map((entry) => ({
    entry,
    shelf: entry.closest(".shelf"),
    details: entry.querySelector("details"),
    text: plain(`${entry.closest(".shelf").querySelector("h2").firstChild.textContent}
      ${entry.textContent}`),
    parts: [...entry.querySelectorAll(".entry-places li")].map((part) => ({
      part,
      text: plain(part.textContent),
    })),
  }));

  const words = () => plain(box.value).split(/\s+/).filter(Boolean);
  const holds = (text, wanted) => wanted.every((word) => text.includes(word));

  const sentence = (count) => {
    const name = count === 0 ? "none" : count === 1 ? "one" : "many";
    return said.dataset[name].replace("{n}", count);
  };

  const narrow = () => {
    const wanted = words();
    let count = 0;
    for (const { entry, details, text, parts } of entries) {
      entry.hidden = !holds(text, wanted);
      count += entry.hidden ? 0 : 1;
      const found = wanted.length ? parts.filter((part) => holds(part.text, wanted)) : [];
      for (const other of parts) {
        other.part.hidden = found.length > 0 && !found.includes(other);
      }
      if (!details) continue;
      const inside = found.some(({ part }) => details.contains(part));
      details.open = inside;
      details.hidden = found.length > 0 && !inside;
    }
    for (const shelf of document.querySelectorAll(".shelf")) {
      shelf.hidden = !shelf.querySelector(".entry:not([hidden])");
      shelf.querySelector(".shelf-size").hidden = wanted.length > 0;
    }
    document.querySelector(".shelf-nav").hidden = wanted.length > 0;
    // Said once the typing rests, not for every letter.
    window.clearTimeout(later);
    later = window.setTimeout(() => {
      said.textContent = wanted.length ? sentence(count) : said.textContent && said.dataset.off;
    }, SAY_MS);
  };

  if (said) {
    box.addEventListener("input", narrow);
    if (box.value) narrow();
  }
}
