"""Sentences about countries, seasons, days and work."""

from __future__ import annotations

from world.dice import Dice, Weighted
from world.inflection import plural
from world.phrases import HOURS, MONTHS, NUMBERS, WEEKDAYS, Phrases, Subject
from world.tables import Country, Job, read_patterns

__all__ = ["LandSentences"]



class LandSentences:
    """Makes sentences from the patterns in lands.txt and times.txt."""

    def __init__(self, dice: Dice, phrases: Phrases):
        self.dice, self.phrases = dice, phrases
        (self.land_patterns,) = read_patterns("lands").values()
        self.times = read_patterns("times")
        self.land_draw = Weighted.zipf(dice.shuffled(self.land_patterns), 30)
        self.by_name = {country.name: country for country in phrases.people.countries.things}

    def slots(self, country: Country) -> dict[str, str]:
        dice = self.dice
        other = dice.draw(self.phrases.people.countries)
        if other is country:
            other = self.phrases.people.countries.things[0 if country.name != "france" else 1]
        city, city1 = dice.some(country.cities, 2)
        product, productb = dice.some(country.products, 2)
        return {
            "country": country.name, "capital": country.capital, "adjective": country.adjective, "language": country.language,
            "currency": country.currency, "currencies": plural(country.currency), "region": country.region,
            "city": city, "city1": city1, "river": dice.one(country.waters), "product": product, "productb": productb,
            "neighbour": dice.one(country.neighbours), "country2": other.name, "capital2": other.capital,
            "adjective2": other.adjective, "language2": other.language, "currency2": other.currency,
            "currencies2": plural(other.currency), "city2": dice.one(other.cities), "product2": dice.one(other.products),
            "month": dice.one(MONTHS), "weekday": dice.one(WEEKDAYS),
            "name": dice.draw(self.phrases.people.names[dice.one("mf")]),
        }  # fmt: skip

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
        numbers = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
                   "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"]  # fmt: skip
        slots = {"weekday": two[0], "weekday2": two[1], "hour": dice.one(HOURS[:12]), "hour2": dice.one(HOURS),
                 "num": dice.one(NUMBERS[:9])}  # fmt: skip
        pattern = dice.one(self.times[heading])
        if "{num3}" in pattern:
            slots |= {"num": numbers[a], "num2": numbers[b], "num3": numbers[a + b + 2]}
        return self.phrases.fill(pattern, Subject("", "n", slots=slots))

    def work(self, job: Job) -> str:
        """Where somebody works, with what and for what."""
        dice = self.dice
        sex = dice.one("mf")
        noun = job.masculine if sex == "m" else job.feminine
        one = dice.draw(self.phrases.people.names[sex])
        subject = Subject("", sex)
        product, tool = dice.one(job.products), dice.one(job.tools)
        return self.phrases.fill(dice.one((
            f"the {noun} works in the {job.place} (from morning to night|near {{town}}|every day|)",
            f"{one} is a {noun} and works in a {job.place}",
            f"in the {job.place} the {noun} needs the {tool}",
            f"{{person}} went to the {job.place} to see the {noun}",
            f"the {noun} left the {job.place} late in the evening",
            f"the {tool} of the {noun} lay on the floor of the {job.place}",
            f"the {noun} (thinks|talks) of nothing but {product}",
            f"{one} wanted to become a {noun} like {{kin}}",
            f"the smell of {product} came from the {job.place}",
            f"the {noun} (was late|was ill|had no time) and the {job.place} (was|stayed) closed (on {dice.one(WEEKDAYS)}|)",
            f"the {job.place} of {{town}} has {{num}} {plural(noun)}",
            f"two {plural(noun)} met in the {job.place} and spoke about {product}",
            f"the {plural(noun)} of {{town}} are known for {product}",
            f"a {noun} without {tool if tool.endswith('s') else 'a ' + tool} is like a (king|queen) without a crown",
        )), subject)  # fmt: skip

    def land_story(self, length: int) -> list[str]:
        """Sentences about one country, and now and then another."""
        country = self.dice.draw(self.phrases.people.countries)
        return [self.land(country if self.dice.chance(0.85) else self.dice.draw(self.phrases.people.countries))
                for _ in range(length)]  # fmt: skip

    def time_story(self, length: int) -> list[str]:
        return [self.time() for _ in range(length)]

    def work_story(self, length: int) -> list[str]:
        job = self.phrases.people.draw_job()
        self.phrases.group = self.dice.one(self.phrases.people.crowds)
        return [self.work(job) for _ in range(length)]


