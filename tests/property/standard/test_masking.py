"""Whatever a case holds, what leaves it masked names nobody: no identity number, no name, no telephone number."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.standard.identity import check_digit
from gateway.standard.masking import Masked, Terms, mask, secrets_of, terms_of
from gateway.standard.masks import is_hashed, to_county, without_numbers, year_only
from gateway.standard.package import (
    CasePackage,
    Change,
    Document,
    DossierEntry,
    Handler,
    Mark,
    Measure,
    Origin,
    Person,
    PropertyItem,
    Renamed,
    Sentence,
    Source,
    UnknownValue,
    Value,
    Volume,
)
from gateway.standard.pseudonyms import PseudonymKey
from gateway.standard.scrubbing import texts_of
from tests.support.examples import examples
from tests.support.standard import STANDARD

KEY = PseudonymKey(b"k" * 32)
FLOWS = ("information-share", "information-share-result", "arrest-request", "legal-aid-notice", "stage-status-notice")
_SURNAMES = "欧阳龙凤冯卢魏"
_GIVEN = "伟娟勇艳杰涛霞鹏梅璐"

names = st.one_of(
    st.builds(str.__add__, st.sampled_from(_SURNAMES), st.text(_GIVEN, min_size=1, max_size=3)),
    st.builds(
        "{}·{}".format, st.text("艾尔肯买提", min_size=2, max_size=4), st.text("阿卜杜拉", min_size=2, max_size=4)
    ),
    st.builds("{} {}".format, st.sampled_from(["John", "Nguyen"]), st.sampled_from(["Smithson", "Van Thieu"])),
)
phones = st.one_of(
    st.builds("1{}{:09d}".format, st.integers(3, 9), st.integers(0, 999_999_999)),
    st.builds("0551-{:07d}".format, st.integers(1_000_000, 9_999_999)),
)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    born = draw(st.dates(min_value=date(1930, 1, 1), max_value=date(2015, 1, 1)))
    body = f"990102{born:%Y%m%d}{draw(st.integers(0, 999)):03d}"
    return draw(
        st.sampled_from([body + check_digit(body + "0"), f"990102{born:%y%m%d}{draw(st.integers(0, 999)):03d}"])
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[CasePackage, list[str], list[str], list[str]]:
    """Return a case in whose every text somebody may be named, with the names, numbers and telephones in it."""
    people = draw(st.lists(st.tuples(names, numbers()), min_size=1, max_size=3))
    handler, calls = draw(names), draw(st.lists(phones, min_size=1, max_size=2))
    everybody = [name for name, _ in people]
    known = [*everybody, *(number for _, number in people), *calls]
    loose = st.text("案情于路见第三号x1 ", max_size=4)

    def prose() -> str:
        said = draw(st.lists(st.sampled_from(known), max_size=3))
        return "".join(draw(loose) + "，" + one + "，" for one in said) + draw(loose)

    title = draw(st.sampled_from(["信息共享数据集", "信息共享申请", "起诉意见书", "随便什么"]))
    path = f"文书/{everybody[0]}/01_{title}_{everybody[-1]}.PDF"
    persons = tuple(
        Person(
            ordinal=str(n),
            person_no=f"R{n:05d}",
            name=name,
            alias=prose(),
            sex="1",
            birth_date="1990-03-07",
            id_type="111",
            id_no=number,
            household_region="990102",
            household_address=f"测试省甲市乙区{prose()}",
            residence_address=prose(),
            occupation=prose(),
            measures=(Measure(kind="detained", name=prose(), place=prose(), inmate_no=f"9901020001{n:011d}"),),
            sentences=(Sentence(term="七年", executor=prose(), court=prose()),),
            changes=(Change(kind="parole", proposal=prose(), materials=f"{name}_{n}"),),
            values=(Value("exec-result", prose()), Value("unheard-of", prose())),
        )
        for n, (name, number) in enumerate(people)
    )
    package = CasePackage(
        Source("police", f"{everybody[0]}的案件.zip", 10, "ab" * 32, prose(), prose()),
        flow=draw(st.sampled_from(FLOWS)),
        sender_name=prose(),
        handling_unit=prose(),
        case_no=draw(st.sampled_from(["A9901020000002026030012", prose()])),
        case_name=f"{everybody[0]}等人{prose()}案",
        offence_place=prose(),
        handler=Handler(handler, calls[0]),
        brief=prose(),
        values=(Value("share-purpose", prose()), Value("interrogators", f"{handler}、{everybody[0]}")),
        persons=persons,
        documents=(Document(prose() + title, path, prose(), person=everybody[-1], person_no="R00000"),),
        volumes=(Volume("ZJCLJ", prose(), (DossierEntry(prose(), f"卷宗/{everybody[0]}.jpg"),)),),
        property=(PropertyItem("1", prose(), owner=everybody[0], place=prose()),),
        origins=(Origin("persons[0].name", "姓名", "案件/XM", f"{everybody[0]}.xml", 3, prose()),),
        unknown=(UnknownValue("X", prose(), "a.xml"),),
        renamed=(Renamed(path, f"{everybody[0]}.pdf"),),
        dropped=(f"~{everybody[0]}.tmp",),
        marks=(Mark("DOC-NAMES-PERSON", "warn", f"{everybody[0]}.pdf", value=prose(), expected=prose()),),
    )
    return package, [*everybody, handler], [number for _, number in people], calls


def done(package: CasePackage, profile: str) -> tuple[Masked, Terms]:
    terms = terms_of(STANDARD, package.flow, STANDARD.profiles[profile])
    paths = [one.path for one in package.documents] + [e.path for v in package.volumes for e in v.entries]
    return mask(package, [*paths, f"{package.persons[0].name}.txt"], STANDARD, terms, KEY), terms


@settings(max_examples=examples(40))
@given(cases())
def test_nobody_is_named_in_what_leaves_masked(made: tuple[CasePackage, list[str], list[str], list[str]]) -> None:
    package, everybody, identities, calls = made
    masked, _terms = done(package, "masked")
    told = "\n".join([*texts_of(masked.package), *masked.paths.values()])
    for secret in (*everybody, *identities, *calls):
        assert secret not in told, secret
    assert CasePackage.from_json(masked.package.to_json()) == masked.package


@settings(max_examples=examples(40))
@given(cases())
def test_what_leaves_reduced_holds_no_identity_number_and_only_names_that_were_asked_for(
    made: tuple[CasePackage, list[str], list[str], list[str]],
) -> None:
    package, everybody, identities, _calls = made
    masked, terms = done(package, "reduced")
    told = "\n".join([*texts_of(masked.package), *masked.paths.values()])
    for number in identities:
        assert number not in told, number
    for name in everybody[:-1]:
        assert ("person-name" in terms.asked) == (name in told) or name not in told
    if "person-name" not in terms.asked:
        assert not any(name in told for name in everybody[:-1])


@settings(max_examples=examples(40))
@given(cases(), st.sampled_from(["reduced", "masked"]))
def test_masking_twice_is_masking_once(made: tuple[CasePackage, list[str], list[str], list[str]], profile: str) -> None:
    first, terms = done(made[0], profile)
    again = mask(first.package, list(first.paths.values()), STANDARD, terms, KEY)
    assert again.package == first.package
    assert list(again.paths.values()) == list(first.paths.values())


@settings(max_examples=examples(40))
@given(cases())
def test_full_changes_nothing(made: tuple[CasePackage, list[str], list[str], list[str]]) -> None:
    masked, terms = done(made[0], "full")
    assert masked.package == made[0]
    assert all(path == left for path, left in masked.paths.items())
    assert secrets_of(made[0], terms, STANDARD) == frozenset()


@settings(max_examples=examples(40))
@given(cases())
def test_what_stays_at_home_is_counted(made: tuple[CasePackage, list[str], list[str], list[str]]) -> None:
    masked, _terms = done(made[0], "masked")
    assert len(masked.paths) + sum(one.count for one in masked.package.withheld) == 3
    assert {one.path for one in masked.package.documents} <= set(masked.paths.values())


@given(st.text("省市县区自治州旗盟小杭甲乙丙0123 张三", max_size=24))
def test_an_address_to_its_county_is_its_beginning_and_stays(text: str) -> None:
    county = to_county(text)
    assert text.startswith(county)
    assert to_county(county) == county


@given(st.text(max_size=12), numbers(), phones, st.text(max_size=12))
def test_numbers_go_from_any_text(before: str, number: str, phone: str, after: str) -> None:
    told = without_numbers(f"{before}，{number}，{phone}，{after}")
    assert number not in told
    assert phone not in told
    assert without_numbers(told) == told


def test_pseudonyms_are_the_same_for_the_same_and_tell_nothing() -> None:
    person = Person(name="张三", person_no="R1")
    package = CasePackage(Source("police", "x"), flow="arrest-request", persons=(person, person))
    masked, _terms = done(package, "masked")
    first, second = masked.package.persons
    assert first.person_no == second.person_no
    assert is_hashed(first.person_no)
    assert (year_only("1990-03-07"), year_only("19900307"), year_only("x")) == ("1990", "1990", "")
