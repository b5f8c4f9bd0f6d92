"""The prompt worker: embeds the words of prompts beside the frame loop.

In:  words from the inbox, and sometimes what is heard (`impressions`). Out: their styles, back to
where they came from. While it works the old prompt sounds on. If the thread dies of what it was
given, `revive` gives that prompt up and starts another one. The only thread that runs a tower.
"""

from collections.abc import Callable
from threading import Thread

from engine.errors import AntiphonError
from engine.loop.inbox import Inbox
from engine.loop.interpreter import PROMPT_PRIORITY, prefer_this_thread
from engine.row import Vector


class PromptWorker:
    """One thread at most. Methods without a tag: [control-thread]."""

    def __init__(
        self,
        inbox: Inbox,
        embed: Callable[[str], Vector],
        done: Callable[[], None],
        *,
        also: Callable[[], bool] = lambda: False,
        prefers: bool = False,
    ) -> None:
        """Work for an inbox.

        Args:
            inbox: has the words.
            embed: makes their style; an `AntiphonError` refuses the prompt.
            done: is called after each prompt, to wake who waits for it.
            also: other work, done where no prompt waits; True if there was some.
            prefers: let the thread go before others where the system allows it.
        """
        self._prefers = prefers
        self._inbox, self._embed, self._done, self._also = inbox, embed, done, also
        self._thread: Thread | None = None
        self._is_stopping = False

    def turn(self) -> bool:
        """Embed one prompt, or do other work; False if there is none.

        [prompt-thread, or any if it is not started]
        """
        words = self._inbox.next_words()
        if words is None:
            return self._also()
        try:
            self._inbox.give_style(self._embed(words))
        except AntiphonError as refusal:
            self._inbox.refuse_words(str(refusal))
        self._done()
        return True

    def start(self) -> None:
        """Start the thread."""
        self._is_stopping = False
        self._thread = Thread(target=self._run, name="antiphon prompts", daemon=True)
        self._thread.start()

    def revive(self) -> str:
        """Start the thread again if it has died; what happened, in words, or "". [frame-thread]"""
        if self._thread is None or self._thread.is_alive() or self._is_stopping:
            return ""
        self._inbox.refuse_words("the prompt worker died of it. Say it in other words.")
        self.start()
        return "the prompt worker died and was started again"

    def stop(self, timeout: float) -> None:
        """End the thread; a prompt that takes longer than the timeout is left behind."""
        self._is_stopping = True
        self._inbox.has_words.set()
        if self._thread is not None:
            self._thread.join(timeout)
            self._thread = None

    def _run(self) -> None:
        if self._prefers:
            prefer_this_thread(PROMPT_PRIORITY)
        while not self._is_stopping:
            if not self.turn() and not self._is_stopping:
                self._inbox.has_words.wait()
