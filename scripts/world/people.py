"""Who lives in the world: realms with their royal houses, families with their work, and the words that name them."""

from __future__ import annotations

from dataclasses import dataclass, field

from world.dice import Dice, Weighted
from world.tables import Country, Job, Role, read_animals, read_countries, read_jobs, read_names, read_roles, read_words

__all__ = ["Facet", "Group", "People", "Person"]


@dataclass(frozen=True)
class Facet:
    """One way to speak of somebody: a noun and the kinds of doing that go with it."""

    noun: str
    kinds: tuple[str, ...]
    job: Job | None = None


@dataclass
class Person:
    sex: str  # m, f
    name: str
    home: str
    facets: Weighted
    country: Country | None = None
    realm: str = ""


@dataclass
class Group:
    """People of one story, and where it happens."""

    people: list[Person]
    town: str
    realm: str = ""
    pets: list[str] = field(default_factory=list)


class People:
    """Everybody, made once from the dice."""

    def __init__(self, dice: Dice):
        self.dice = dice
        self.jobs = read_jobs()
        self.job_draw = Weighted.zipf(dice.shuffled(self.jobs), 12)
        self.roles = {role.masculine: role for role in read_roles()}
        self.countries = Weighted.zipf(read_countries(), 14)
        men, women = read_names()
        self.names = {"m": Weighted.zipf(men, 12), "f": Weighted.zipf(women, 12)}
        words = read_words()
        towns = dice.shuffled([start + end for start in words["town starts"] for end in words["town ends"]])[:90]
        self.towns = Weighted.zipf(towns, 6)
        self.realms = Weighted.zipf(dice.shuffled(words["realms"]), 5)
        self.animals = [animal.name for animal in read_animals() if "pet" in animal.kinds]
        self.courts = [self.make_court(dice.draw(self.realms)) for _ in range(60)]
        self.families = [self.make_family() for _ in range(260)]
        self.crowds = [self.make_crowd() for _ in range(200)]

    def facet(self, role: Role, sex: str) -> Facet:
        kinds = (*sorted(role.kinds), "male" if sex == "m" else "female")
        return Facet(role.masculine if sex == "m" else role.feminine, kinds)

    def job_facet(self, job: Job, sex: str) -> Facet:
        kinds = ("adult", "male" if sex == "m" else "female")
        return Facet(job.masculine if sex == "m" else job.feminine, kinds, job)

    def make_person(
        self, sex: str, home: str, roles: dict[str, float], job: Job | None = None, realm: str = ""
    ) -> Person:
        facets = [self.facet(self.roles[role], sex) for role in roles]
        weights = list(roles.values())
        if job:
            facets.append(self.job_facet(job, sex))
            weights.append(3.0)
        return Person(sex, self.dice.draw(self.names[sex]), home, Weighted(facets, weights), realm=realm)

    def make_court(self, realm: str) -> Group:
        dice, town = self.dice, self.dice.draw(self.towns)
        top = "emperor" if dice.chance(0.12) else "king"
        people = [self.make_person(sex, town, {top: 6.0, "man": 0.3}, realm=realm) for sex in "mf"]
        people += [
            self.make_person(dice.one("mf"), town, {"prince": 5.0, "son": 0.8, "boy": 0.5}, realm=realm)
            for _ in range(1 + dice.below(3))
        ]
        for noble in dice.some(("duke", "baron", "lord"), 2):
            people.append(self.make_person(dice.one("mf"), town, {noble: 5.0}, realm=realm))
        people.append(
            Person(
                "m",
                dice.draw(self.names["m"]),
                town,
                Weighted([Facet("knight", ("knight", "noble", "male"))], [1.0]),
                realm=realm,
            )
        )
        servant = next(job for job in self.jobs if job.masculine == "servant")
        people.append(self.make_person(dice.one("mf"), town, {"man": 1.0}, servant, realm))
        return Group(people, town, realm)

    def make_family(self) -> Group:
        dice = self.dice
        home = dice.draw(self.towns) if dice.chance(0.7) else dice.one(dice.draw(self.countries).cities)
        parents = "stepfather" if dice.chance(0.12) else "father"
        people = []
        for sex in "mf":
            people.append(self.make_person(sex, home, {parents: 4.0, "man": 2.0, "husband": 2.0}, self.draw_job()))
        young = "stepson" if parents == "stepfather" else "son"
        for _ in range(1 + dice.below(4)):
            roles = {"boy": 3.0, young: 2.5, "brother": 2.5, "grandson": 1.0}
            if dice.chance(0.2):
                roles["lad"] = 1.5
            people.append(self.make_person(dice.one("mf"), home, roles))
        for role, chance in (
            ("grandfather", 0.5),
            ("uncle", 0.5),
            ("nephew", 0.3),
            ("groom", 0.16),
            ("widower", 0.14),
            ("godfather", 0.1),
            ("heir", 0.08),
        ):
            for sex in "mf":
                if dice.chance(chance):
                    people.append(
                        self.make_person(
                            sex, home, {role: 4.0, "man": 1.5}, self.draw_job() if dice.chance(0.4) else None
                        )
                    )
        return Group(people, home, pets=[dice.one(self.animals)])

    def make_crowd(self) -> Group:
        """People who meet by their work or by chance."""
        dice = self.dice
        country = dice.draw(self.countries)
        town = dice.one(country.cities) if dice.chance(0.3) else dice.draw(self.towns)
        people = [self.make_person(dice.one("mf"), town, {"man": 1.5}, self.draw_job()) for _ in range(3)]
        others = (
            (dice.one("mf"), {"man": 5.0}),
            ("m", {"man": 4.0}),
            ("f", {"man": 4.0}),
            (dice.one("mf"), {"boy": 4.0}),
        )
        people += [self.make_person(sex, town, roles) for sex, roles in others]
        for person in people[:2]:
            person.country = country
        return Group(people, town)

    def draw_job(self) -> Job:
        return self.dice.draw(self.job_draw)
