"""Sentences about countries, seasons, days and work."""

from __future__ import annotations

from world.dice import Dice, Weighted
from world.inflection import plural
from world.phrases import HOURS, MONTHS, NUMBERS, SUMS, WEEKDAYS, Phrases, Subject
from world.tables import Country, Job, read_patterns

__all__ = ["LandSentences"]


class LandSentences:
    """Makes sentences from the patterns in lands.txt and times.txt."""

    def __init__(self, dice: Dice, phrases: Phrases):
        self.dice, self.phrases = dice, phrases
        (self.land_patterns,) = read_patterns("lands").values()
        self.work_frames = read_patterns("frames")["work"]
        self.times = read_patterns("times")
        self.land_draw = Weighted.zipf(dice.shuffled(self.land_patterns), 30)
        self.by_name = {country.name: country for country in phrases.people.countries.things}

    def slots(self, country: Country) -> dict[str, str]:
        dice = self.dice
        other = dice.draw(self.phrases.people.countries)
        if other is country:
            other = self.phrases.people.countries.things[0 if country.name != "france" else 1]
        city, city1 = dice.some(country.cities, 2)
        if dice.chance(0.5) and city1 != country.cities[0]:
            city = country.cities[0]
        product, productb = dice.some(country.products, 2)
        return {
            "country": country.name,
            "capital": country.capital,
            "adjective": country.adjective,
            "language": country.language,
            "currency": country.currency,
            "currencies": plural(country.currency),
            "region": country.region,
            "city": city,
            "city1": city1,
            "river": dice.one(country.waters),
            "product": product,
            "productb": productb,
            "neighbour": dice.one(country.neighbours),
            "country2": other.name,
            "capital2": other.capital,
            "adjective2": other.adjective,
            "language2": other.language,
            "currency2": other.currency,
            "currencies2": plural(other.currency),
            "city2": dice.one(other.cities),
            "product2": dice.one(other.products),
            "month": dice.one(MONTHS),
            "weekday": dice.one(WEEKDAYS),
            "name": dice.draw(self.phrases.people.names[dice.one("mf")]),
        }

    def land(self, country: Country) -> str:
        pattern = self.dice.draw(self.land_draw)
        sex = self.dice.one("mf")
        job = self.phrases.people.draw_job()
        noun = self.dice.one((("man", "woman"), (job.masculine, job.feminine)))["mf".index(sex)]
        subject = Subject("", sex, slots=self.slots(country) | {"person": f"{self.phrases.trait_word()}{noun}"})
        return self.phrases.fill(pattern, subject)

    def time(self) -> str:
        dice = self.dice
        heading = dice.one(list(self.times))
        a, b = dice.below(9), dice.below(9)
        two = dice.some(WEEKDAYS, 2)
        slots = {
            "weekday": two[0],
            "weekday2": two[1],
            "hour": dice.one(HOURS[:12]),
            "hour2": dice.one(HOURS),
            "num": dice.one(NUMBERS),
        }
        pattern = dice.one(self.times[heading])
        if "{num3}" in pattern:
            slots |= {"num": SUMS[a], "num2": SUMS[b], "num3": SUMS[a + b + 2]}
        return self.phrases.fill(pattern, Subject("", "n", slots=slots))

    def work(self, job: Job) -> str:
        """Where somebody works, with what and for what."""
        dice = self.dice
        sex = dice.one("mf")
        noun = job.masculine if sex == "m" else job.feminine
        one = dice.draw(self.phrases.people.names[sex])
        product, tool = dice.one(job.products), dice.one(job.tools)
        slots = {
            "noun": noun,
            "plural": plural(noun),
            "place": job.place,
            "product": product,
            "tool": tool,
            "name": one,
            "weekday": dice.one(WEEKDAYS),
        }
        return self.phrases.fill(dice.one(self.work_frames), Subject("", sex, slots=slots))

    def land_story(self, length: int) -> list[str]:
        """Sentences about one country, and now and then another."""
        country = self.dice.draw(self.phrases.people.countries)
        return [
            self.land(country if self.dice.chance(0.85) else self.dice.draw(self.phrases.people.countries))
            for _ in range(length)
        ]

    def time_story(self, length: int) -> list[str]:
        return [self.time() for _ in range(length)]

    def work_story(self, length: int) -> list[str]:
        job = self.phrases.people.draw_job()
        self.phrases.group = self.dice.one(self.phrases.people.crowds)
        return [self.work(job) for _ in range(length)]
