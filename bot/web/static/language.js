// Gradio takes its own words and the page's `lang` from the browser's language. The reader may have
// chosen another for this page: Gradio is told that one, before it starts.
{
  const chosen = document.documentElement.lang;
  Object.defineProperty(navigator, "language", { value: chosen, configurable: true });
  Object.defineProperty(navigator, "languages", { value: [chosen], configurable: true });
}
