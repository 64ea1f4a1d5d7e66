"""Reads a question about metrics: which metrics, ranked how, above which thresholds."""

from __future__ import annotations

from semantic_layer.ask.clauses import ClauseReader
from semantic_layer.ask.numbers import MONEY, SECONDS
from semantic_layer.ask.phrases import OF_SINGLE_ONES, Quality, Role, roles
from semantic_layer.ask.slots import Group, Limit, Mention
from semantic_layer.ask.tokens import stem
from semantic_layer.metrics.models import Comparator

TIMES = {"once": 1, "twice": 2, "thrice": 3}
LINKS = (Role.IS, Role.HAVING, Role.FILLER)
TWO_RANKINGS = "It is ranked by one thing and sorted by another: leave one of the two out."


class MetricReader(ClauseReader):
    leans = False  # on a question before, whose metrics and dimensions it ranks

    def take(self) -> bool:
        return (
            self.take_time()
            or self.take_ranking()
            or self.take_times()
            or self.take_limit()
            or self.take_grouping()
            or self.take_order_by()
            or self.take_condition()
            or self.take_metric()
            or self.take_parts()
            or self.take_event()
            or self.take_head()
            or self.take_people()
            or self.take_silent()
        )

    def add_metric(self, mention: Mention) -> None:
        if mention not in self.slots.metrics:
            self.slots.metrics.append(mention)
        self.slots.made.setdefault(mention.text, set()).update(self._what_is_made(mention))

    def _what_is_made(self, mention: Mention) -> set[str]:
        """The small words right before and behind it: the total number of, in total."""
        at = next((i for i in range(self.at, len(self.items)) if self.items[i].text == mention.text), self.at)
        begin, end = at, at + 1
        while self.is_filler(begin - 1) or self.has(begin - 1, Role.COUNT):
            begin -= 1
        while self.is_filler(end):
            end += 1
        behind = {item.text for item in self.items[at + 1 : end]} & {"in total", "altogether"}
        return {item.text for item in self.items[begin:at]} | behind

    def take_metric(self) -> bool:
        mention = self.mention(self.at, "metric")
        if mention is None or (self.has(self.at, Role.PEOPLE) and not self._people_are_counted()):
            return False
        if mention.text == "return" and self._is_done_by_people():
            return False  # users who return come back, and refund nothing
        if self.slots.metrics and not self._is_joined(mention):
            return False  # sessions that had errors are not sessions and errors
        self.add_metric(mention)
        self.slots.counts_people = self.has(self.at, Role.PEOPLE) and self.has(self.at - 1, Role.COUNT)
        self.at += 1
        return True

    def _is_done_by_people(self) -> bool:
        at = self.at - 1
        while self.is_filler(at) or self.has(at, Role.HAVING):
            at -= 1
        return self.has(at, Role.PEOPLE)

    def take_parts(self) -> bool:
        """share of revenue, revenue share."""
        at = self.past_parts(self.at)
        self.slots.shares |= at > self.at
        self.at, before = at, self.at
        return at > before

    def past_parts(self, at: int) -> int:
        item = self.item(at)
        return at + 1 if item and item.has(Role.PARTS) and not item.meanings else at

    def take_event(self) -> bool:
        """how many product viewed, upgrades: an event by what it is called, where no metric is called so."""
        mention = self.mention(self.at, "event")
        own = mention.meanings if mention else ()
        own = tuple(meaning for meaning in own if meaning.rank == min(one.rank for one in own))
        if mention is None or len(own) != 1 or self.has(self.at - 1, Role.NOT):
            return False
        if mention.text.startswith("open ") and not self._is_done_by_people():
            return False  # open tickets are those that nobody closed
        if self.slots.metrics:
            people = self.slots.metrics[0] if len(self.slots.metrics) == 1 and self.slots.counts_people else None
            if people is None or not self._people_do(people):
                return False
            self.slots.metrics.clear()
            self.slots.doers = people
        if self.slots.events and not self.has(self.at - 1, Role.AND):
            return False
        self.slots.events.append(Mention(mention.text, own))
        self.at += 1
        return True

    def _people_do(self, people: Mention) -> bool:
        """how many people upgraded: an event right behind them; not: how many users, and upgrades."""
        at = self.at - 1
        while self.is_filler(at) or self.has(at, Role.HAVING):
            at -= 1
        return self.items[at].text == people.text

    def _is_joined(self, mention: Mention) -> bool:
        """Whether another metric is asked for with `and`, or the same is named again."""
        names = {meaning.name for meaning in mention.meanings}
        if any(names & {meaning.name for meaning in other.meanings} for other in self.slots.metrics):
            return True
        at = self.at - 1
        while self.is_filler(at) or self.has(at, Role.COUNT):
            at -= 1
        return self.has(at, Role.AND, Role.VERSUS) or self.items[at].time is not None

    # Users are a metric, or only those of whom another metric is asked ---------------------------------------------

    def _people_are_counted(self) -> bool:
        """how many users and orders; but not: how many people signed up."""
        others = [at for at in range(len(self.items)) if self.named(at, "metric") and not self.has(at, Role.PEOPLE)]
        if not others:
            return True
        before, after = self.item(self.at - 1), self.item(self.past_fillers(self.at + 1))
        stands_alone = after is None or after.has(Role.AND) or after.has(Role.BY) or after.time is not None
        return bool(before and (before.has(Role.AND) or before.has(Role.COUNT)) and stands_alone)

    def take_people(self) -> bool:
        """mobile users, customers in Germany: whose metric it is."""
        if not self.has(self.at, Role.PEOPLE):
            return False
        if self.has(self.at - 1, Role.BY) and self.items[self.at - 1].text not in ("by",):
            return False  # per user is a ratio of its own
        if not any(self.named(at, "metric") for at in range(len(self.items)) if at != self.at):
            return False
        self.slots.people = True
        self.at += 1
        return True

    # Rankings -------------------------------------------------------------------------------------------------------

    def take_ranking(self) -> bool:
        if self.has(self.at, Role.TREND):
            self.slots.groups.append(Group(over_time=True))
            self.at += 1
            return True
        return self._top() or self._best() or self._which() or self._counted_groups() or self._sorted()

    def _top(self) -> bool:
        """top 5 countries, bottom channels."""
        if not self.has(self.at, Role.TOP):
            return False
        slots, at = self.slots, self.at + 1
        direction = bool(self.items[self.at].payload(Role.TOP))
        if slots.top is not None or slots.direction not in (None, direction):
            slots.problems.append("It asks for the top and for the bottom, or twice for one: ask for one of them.")
        slots.direction, slots.is_ranking = direction, True
        if known := self.number(at):
            if not isinstance(known[0], int) or known[0] < 1 or known[1]:
                return False
            slots.top, at = known[0], known[2]
        self.at = self._ranked_group(at, explicit=slots.top is not None)
        return True

    def _ranked_group(self, at: int, explicit: bool) -> int:
        begin = at
        at = self.past_fillers(at)
        if self.has(at, Role.BEST):
            at = self.past_fillers(at + 1)
        group = self.group(at)
        if group is None:
            return begin
        self.slots.groups.append(group)
        if not explicit and not self._is_plural(at, group):
            self.slots.asks_for_one = True
        return at + 1

    def _is_plural(self, at: int, group: Group) -> bool:
        text = self.items[at].text
        return group.dimension.is_plural if group.dimension else text.endswith("s")

    def _best(self) -> bool:
        """the highest revenue, best channel, 3 worst countries, most orders."""
        at, top = self.at, None
        if (known := self.number(at)) and self.has(known[2], Role.BEST) and isinstance(known[0], int):
            top, at = known[0], known[2]
        if not self.has(at, Role.BEST):
            return False
        how = self.items[at].payload(Role.BEST)
        assert isinstance(how, bool | Quality)
        said = self.items[at].text.removeprefix("the ")
        if said in OF_SINGLE_ONES and not self.mention(self.past_fillers(at + 1), "metric"):
            return False  # the maximum page load time is of a page view, not of a page
        at += 1
        if top is None and (known := self.number(at)) and isinstance(known[0], int) and self.group(known[2]):
            top, at = known[0], known[2]
        after = self.past_fillers(at)
        if (past := self.past_parts(after)) > after:  # the largest share of revenue
            self.slots.shares, after = True, self.past_fillers(past)
        mention = self.mention(after, "metric")
        group = None if mention else self.group(after)
        slots = self.slots
        if mention is None and not any(self.named(i, "metric") for i in range(len(self.items)) if i != at - 1):
            mention_of_itself = self.mention(at - 1, "metric")  # the slowest pages
            if mention_of_itself and (group or slots.groups):
                self.add_metric(mention_of_itself)
        if mention is None and group is None and (self.leans or (top is None and slots.metrics and slots.groups)):
            slots.direction, slots.is_ranking = how, True  # which pages load slowest
            if top is None and (known := self.number(at)) and isinstance(known[0], int) and not known[1]:
                top, at = known[0], known[2]
            slots.top = top or slots.top
            self.at = at
            return True
        if mention is None and group is None:
            return False
        slots.direction, slots.is_ranking, slots.top = how, True, top or slots.top
        if mention:
            if slots.order_by:
                slots.problems.append(TWO_RANKINGS)
            self.add_metric(mention)
            slots.order_by, slots.superlative = mention, said
            self.at = after + 1
            if (following := self.group(self.at)) and not self.begins_condition(self.at):
                slots.groups.append(following)  # highest revenue country
                slots.asks_for_one = slots.asks_for_one or not self._is_plural(self.at, following)
                self.at += 1
        else:
            self.at = self._ranked_group(at, explicit=top is not None)
        return True

    def _which(self) -> bool:
        """which channel, what countries."""
        if not self.has(self.at, Role.WHICH):
            return False
        at = self.past_fillers(self.at + 1)
        known = self.number(at)
        if known and isinstance(known[0], int) and self.group(known[2]):
            self.slots.top, at = known[0], known[2]
        group = self.group(at)
        if group is None or (group.dimension is None and group.over_time):
            return False
        if self.named(at, "metric") or self.begins_condition(at):
            return False
        self.slots.groups.append(group)
        self.slots.asks_for_one = not self._is_plural(at, group) and not known
        self.at = at + 1
        return True

    def _counted_groups(self) -> bool:
        """the 5 countries with the highest revenue."""
        known = self.number(self.at)
        if not known or known[1] or not isinstance(known[0], int) or known[0] < 1:
            return False
        group = self.group(known[2])
        if group is None or not group.dimension or self.slots.top:
            return False
        if not any(self.has(at, Role.BEST) for at in range(known[2], len(self.items))):
            return False
        self.slots.top = known[0]
        self.slots.groups.append(group)
        self.at = known[2] + 1
        return True

    def _sorted(self) -> bool:
        """sorted by revenue, ranked, descending."""
        if self.has(self.at, Role.DIRECTION):
            direction = self.items[self.at].payload(Role.DIRECTION)
            assert isinstance(direction, bool | Quality)
            if self.slots.is_ranking and direction is not self.slots.direction:
                self.slots.problems.append("The first ones are sorted as they are chosen: leave one of the two out.")
            self.slots.direction = direction
            self.at += 1
            return True
        if not self.has(self.at, Role.SORTED):
            return False
        at = self.past_fillers(self.at + 1)
        if self.slots.direction is None:
            self.slots.direction = True
        self.at += 1
        if mention := self.mention(at, "metric"):
            if self.slots.order_by:
                self.slots.problems.append(TWO_RANKINGS)
            self.add_metric(mention)
            self.slots.order_by = mention
            self.at = at + 1
        elif group := self.group(at):
            if self.slots.groups:
                self.slots.problems.append("It is sorted by what is measured, or by time: leave the sorting out.")
            self.slots.groups.append(group)  # rank countries by revenue
            self.slots.is_ranking = True
            self.at = at + 1
        return True

    def take_order_by(self) -> bool:
        """top countries by revenue, countries by revenue; of revenue by user nobody knows what."""
        if not self.has(self.at, Role.BY) or self.items[self.at].text != "by":
            return False
        at, slots = self.past_fillers(self.at + 1), self.slots
        if (past := self.past_parts(at)) > at and self.mention(
            self.past_fillers(past), "metric"
        ):  # by share of revenue
            slots.shares, at = True, self.past_fillers(past)
        mention = self.mention(at, "metric")
        if mention and (slots.is_ranking or (slots.groups and not slots.metrics)):
            self.add_metric(mention)
            slots.order_by = mention
            self.at = at + 1
            return True
        if self._is_agent(at):
            self.at += 1
            return True
        return False

    def _is_agent(self, at: int) -> bool:
        """orders by mobile users: by whom, not by what."""
        while self.has(at, Role.NOT, Role.ONLY):
            at = self.past_fillers(at + 1)
        values = self._values(at, None, False)
        if values is None:
            return False
        last = (self.items[values[0] - 1].text.rpartition(" ")[2],)  # pro users may be one name
        is_people = any(role is Role.PEOPLE for role, _ in roles().get(last, ()))
        return is_people or self.has(self.past_fillers(values[0]), Role.PEOPLE)

    # Thresholds -----------------------------------------------------------------------------------------------------

    def take_times(self) -> bool:
        """bought twice, at least 3 times, more than once: at least so often."""
        at, operator = self.at, Comparator.AT_LEAST
        if self.has(at, Role.COMPARATOR):
            said = self.items[at].payload(Role.COMPARATOR)
            assert isinstance(said, Comparator)
            at, operator = at + 1, said
        word, known = self.item(at), self.number(at)
        count = TIMES.get(word.text) if word else None
        if count is None and known and isinstance(known[0], int) and not known[1]:
            unit = self.item(known[2])
            count, at = (known[0] if unit and unit.text == "times" else None), known[2]
        if count is None or operator not in (Comparator.AT_LEAST, Comparator.GREATER):
            return False
        self.slots.times = count + (operator is Comparator.GREATER)
        more = self.item(at + 1)
        self.at = at + 1 + bool(more and more.text == "or more")
        return True

    def take_limit(self) -> bool:
        """more than 100 orders, revenue above 1000, conversion rate between 2 and 3 percent."""
        at, mention = self.at, self.mention(self.at, "metric")
        if mention:
            at += 1
            while any(self.has(at, role) for role in LINKS) and not self.has(at, Role.COMPARATOR, Role.BETWEEN):
                at += 1
        found = self._comparison(at)
        if found is None:
            return False
        at, limits = found
        if (following := self.item(at)) and following.text == "times":
            return False  # who ordered at least 3 times
        if mention is None:
            after = self.past_fillers(at)
            mention = self.mention(after, "metric")
            at = after + 1 if mention else at
        seconds, money = self._seconds(self.at, at), self._money(self.at, at)
        is_named_for_its_length = seconds and self.slots.metrics and mention and not self._is_joined(mention)
        if mention and not is_named_for_its_length:  # revenue of sessions longer than 10 minutes does not count them
            self.add_metric(mention)
        self.slots.limits += [
            Limit(mention, operator, value, percent, seconds, money) for operator, value, percent in limits
        ]
        self.at = at
        return True

    def _comparison(self, at: int) -> tuple[int, list[tuple[Comparator, int | float, bool]]] | None:
        if self.has(at, Role.BETWEEN):
            low = self.number(at + 1)
            high = self.number(low[2] + 1) if low and self.has(low[2], Role.AND) else None
            if not low or not high:
                return None
            percent = low[1] or high[1]
            both = [(Comparator.AT_LEAST, low[0], percent), (Comparator.AT_MOST, high[0], percent)]
            return self._past_unit(high[2]), both
        if not self.has(at, Role.COMPARATOR):
            return None
        operator = self.items[at].payload(Role.COMPARATOR)
        assert isinstance(operator, Comparator)
        known = self.number(self.past_fillers(at + 1))
        return (self._past_unit(known[2]), [(operator, known[0], known[1])]) if known else None

    def _past_unit(self, at: int) -> int:
        item = self.item(at)
        return at + 1 if item and (item.text == "points" or stem(item.text) in {*MONEY, *SECONDS}) else at

    def _seconds(self, begin: int, end: int) -> float | None:
        """How many the unit has that stands there, where it is one of time."""
        units = (SECONDS.get(stem(item.text)) for item in self.items[begin:end])
        return next((unit for unit in units if unit), None)

    def _money(self, begin: int, end: int) -> str:
        """The currency of an amount: 100 euros, €100."""
        said = [word for item in self.items[begin:end] for word in (stem(item.text), item.text[:1], item.text[-1:])]
        return next((MONEY[word] for word in said if word in MONEY), "")

    # Dimensions and changes -----------------------------------------------------------------------------------------

    def take_head(self) -> bool:
        """A dimension that is asked about: countries with more than 100 orders, compare channels by revenue."""
        group = self.group(self.at)
        if group is None or self.slots.shares:  # "what share of sessions converted by channel" asks for a rate
            return self._change()
        begin = self.at
        while self.is_filler(begin - 1):
            begin -= 1
        if self.has(begin - 1, Role.COUNT):
            return False  # how many countries there are is another question
        is_first = begin == 0 or self.has(begin - 1, Role.VERSUS, Role.SORTED, Role.ONLY)
        following = self.past_fillers(self.at + 1)
        leads = self.has(following, Role.HAVING, Role.COMPARATOR, Role.BY, Role.SORTED, Role.BEST)
        if not is_first and not leads:
            return False
        self.slots.groups.append(group)
        asks = self.items[self.at].text.startswith(("which ", "what "))  # which hour: a name of the dimension
        self.slots.asks_for_one = self.slots.asks_for_one or (asks and not self._is_plural(self.at, group))
        self.at += 1
        return True

    def _change(self) -> bool:
        if not self.has(self.at, Role.CHANGE):
            return False
        how = self.items[self.at].payload(Role.CHANGE)
        assert isinstance(how, bool | Quality)
        before = range(self.at)
        if self.slots.groups and how is not Quality.ANY and any(self.has(at, Role.HAVING) for at in before):
            self.slots.problems.append(
                "It asks for those that changed so: ask which did so the most, or for the change."
            )
        self.slots.changes, self.slots.changed = True, how
        self.at += 1
        return True
