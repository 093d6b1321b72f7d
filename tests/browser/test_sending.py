"""Sending a question while another one is under way: none is lost and none is asked twice."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ask

# On a busy machine the browser hears that an answer is complete some time after it shows it.
LATE_END = """() => {
  const send = window.fetch.bind(window);
  window.fetch = async (input, init) => {
    const response = await send(input, init);
    const address = typeof input === "string" ? input : (input.url ?? String(input));
    if (!address.includes("/queue/data")) return response;
    const late = new TransformStream({
      async transform(chunk, controller) {
        if (new TextDecoder().decode(chunk).includes("process_completed")) {
          window.ended = (window.ended ?? 0) + 1;
          await new Promise((done) => setTimeout(done, 1500));
        }
        controller.enqueue(chunk);
      },
    });
    return new Response(response.body.pipeThrough(late), response);
  };
}"""

# When each stream of an answer was over for the page, and when each question went out.
TIMES = """() => {
  const send = window.fetch.bind(window);
  window.over = [];
  window.joined = [];
  window.fetch = async (input, init) => {
    const address = typeof input === "string" ? input : (input.url ?? String(input));
    if (address.includes("/queue/join")) window.joined.push(performance.now());
    const response = await send(input, init);
    if (!address.includes("/queue/data")) return response;
    const reader = response.clone().body.getReader();
    const read = async () => { while (!(await reader.read()).done); };
    read().catch(() => {}).then(() => window.over.push(performance.now()));
    return response;
  };
}"""


def opened(page: Page, address: str) -> Page:
    page.goto(f"{address}/chat/")
    page.get_by_label("Your question").wait_for()
    return page


def send_slow(page: Page, address: str, *, presses: int) -> None:
    opened(page, address)
    page.get_by_label("Your question").fill("slow types")
    page.get_by_role("button", name="Send", exact=True).click(click_count=presses)


def on_a_slow_line(page: Page) -> None:
    page.route(
        "**/gradio_api/queue/join*", lambda route: (page.wait_for_timeout(1200), route.continue_())
    )


def asked(page: Page) -> list[str]:
    return [text.strip() for text in page.locator("#log .asked").all_inner_texts()]


def test_question_sent_before_the_last_answer_has_quite_ended(page: Page, scripted: str) -> None:
    page.add_init_script(f"({LATE_END})()")
    opened(page, scripted)
    ask(page, "types")
    page.get_by_label("Your question").fill("weather")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#log .answer")).to_have_count(2)
    assert page.evaluate("window.ended") >= 1, "the end of the first answer was held up"
    expect(page.locator("#log .asked").last).to_contain_text("weather")
    expect(page.get_by_label("Your question")).to_have_value("")


def test_question_waits_until_the_stream_of_the_last_answer_is_over(
    page: Page, scripted: str
) -> None:
    """The server ends with a stream what the page has asked a moment before."""
    page.add_init_script(f"({TIMES})()")
    opened(page, scripted)
    ask(page, "types")
    page.evaluate(  # sooner than a hand can
        """() => {
          const box = document.querySelector("#question textarea");
          box.value = "weather";
          box.dispatchEvent(new Event("input", { bubbles: true }));
          setTimeout(() => document.querySelector("#send").click());
        }"""
    )
    expect(page.locator("#log .answer")).to_have_count(2)
    over, joined = page.evaluate("[window.over, window.joined]")
    assert len(joined) == 2
    assert joined[1] - over[0] >= 250


def test_follow_up_pressed_before_the_last_answer_has_quite_ended(
    page: Page, scripted: str
) -> None:
    page.add_init_script(f"({LATE_END})()")
    opened(page, scripted)
    ask(page, "types")
    for number in (2, 3):
        follow_up = page.locator("#follow-ups button:visible").first
        words = follow_up.inner_text()
        follow_up.click()
        expect(page.locator("#log .answer")).to_have_count(number)
        expect(page.locator("#log .asked").last).to_contain_text(words)
    expect(page.get_by_label("Your question")).to_have_value("")


def test_question_typed_while_that_of_a_button_is_awaited_loses_neither(
    page: Page, scripted: str
) -> None:
    page.add_init_script(f"({LATE_END})()")
    opened(page, scripted)
    ask(page, "types")
    page.locator("#follow-ups button:visible").first.click()
    page.get_by_label("Your question").fill("weather")
    page.get_by_label("Your question").press("Enter")
    expect(page.locator("#log .answer")).to_have_count(3)
    expect(page.locator("#log .asked").last).to_contain_text("weather")
    expect(page.get_by_label("Your question")).to_have_value("")


def test_send_pressed_right_after_a_button_asks_once(page: Page, scripted: str) -> None:
    opened(page, scripted)
    on_a_slow_line(page)
    page.locator("#starters .starter").first.click()
    assert not page.get_by_label("Your question").is_editable()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#log .answer")).to_have_count(1)
    page.wait_for_timeout(1500)
    expect(page.locator("#log .asked")).to_have_count(1)


def test_what_was_typed_beside_a_button_comes_back(page: Page, scripted: str) -> None:
    opened(page, scripted)
    page.get_by_label("Your question").fill("can my dog")
    starter = page.locator("#starters .starter").first
    words = starter.inner_text()
    starter.click()
    expect(page.locator("#log .answer")).to_have_count(1)
    expect(page.locator("#log .asked").last).to_contain_text(words)
    expect(page.get_by_label("Your question")).to_have_value("can my dog")
    expect(page.get_by_label("Your question")).to_be_editable()


def test_button_whose_question_does_not_get_through_leaves_it_in_the_box(
    chromium: Browser, scripted: str
) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = opened(context.new_page(), scripted)
    page.route("**/gradio_api/queue/join*", lambda route: route.fulfill(status=503))
    starter = page.locator("#starters .starter").first
    words = starter.inner_text()
    starter.click()
    expect(page.get_by_label("Your question")).to_have_value(words)
    expect(page.get_by_label("Your question")).to_be_editable()
    page.unroute("**/gradio_api/queue/join*")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#log .answer")).to_have_count(1)
    context.close()


def test_pressing_twice_asks_once(page: Page, scripted: str) -> None:
    send_slow(page, scripted, presses=2)
    page.get_by_label("Your question").press("Enter")
    expect(page.locator("#log .answer")).to_have_count(1)
    page.wait_for_timeout(1500)
    expect(page.locator("#log .asked")).to_have_count(1)
    expect(page.locator("#log .answer-trouble")).to_have_count(0)


def test_what_is_typed_after_a_double_press_stays_in_the_box(page: Page, scripted: str) -> None:
    send_slow(page, scripted, presses=2)
    page.locator("#log .pending").wait_for()
    page.get_by_label("Your question").press_sequentially("can my")
    expect(page.locator("#log .answer")).to_have_count(1)
    page.wait_for_timeout(1000)
    expect(page.get_by_label("Your question")).to_have_value("can my")
    expect(page.locator("#log .asked")).to_have_count(1)


def test_question_sent_while_an_answer_is_awaited_follows_it(page: Page, scripted: str) -> None:
    send_slow(page, scripted, presses=1)
    page.locator("#log .pending").wait_for()
    page.get_by_label("Your question").fill("weather")
    page.get_by_label("Your question").press("Enter")
    expect(page.locator("#log .answer")).to_have_count(2)
    assert [text.split("\n")[-1] for text in asked(page)] == ["slow types", "weather"]


def test_what_is_typed_before_the_server_takes_the_question_up_is_kept(
    page: Page, scripted: str
) -> None:
    """The server empties the box when it does, on a slow line some time after the press."""
    opened(page, scripted)
    on_a_slow_line(page)
    page.get_by_label("Your question").fill("types")
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_label("Your question").fill("weather")
    page.get_by_label("Your question").press("Enter")
    expect(page.locator("#log .answer")).to_have_count(2)
    expect(page.locator("#log .asked").last).to_contain_text("weather")


def test_nothing_follows_an_alarm_by_itself(page: Page, scripted: str) -> None:
    opened(page, scripted)
    page.get_by_label("Your question").fill("slow chest pain")
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator("#log .pending").wait_for()
    page.get_by_label("Your question").fill("weather")
    page.get_by_label("Your question").press("Enter")
    expect(page.locator("#log [role=alert]")).to_be_visible()
    page.wait_for_timeout(1500)
    expect(page.locator("#log .asked")).to_have_count(1)
    expect(page.get_by_label("Your question")).to_have_value("weather")
    expect(page.locator("#log [role=alert]")).to_be_in_viewport()
