"""What is said about what the flow catalogue's checks find beyond the numbered defects."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "ID-REGION": Template(
            "The identity number of {person} begins with digits of no province.",
            "Its first two digits name the province that issued it; the other four may be those of a county that is no more.",
            "It is sent with a mark; compare it with the identity document.",
        ),
        "AGE-UNCERTAIN": Template(
            "{person} was between {youngest} and {oldest} years old at the time of the act: it depends on the day.",
            "An age limit of the law lies between the first and the last day on which the act may have been done.",
            "It is sent with a mark; let the case handler state the day of the act or the date of birth more exactly.",
        ),
        "CHG-ARTICLE": Template(
            "{charge} does not stand in the article that is given: {value}.",
            "One of the two was chosen wrongly, or the article was renumbered.",
            "It is sent with a mark; let the case handler check the article.",
        ),
        "CHG-COURT-LEVEL": Template(
            "{charge} may have to begin at an intermediate court, and this one goes to a county's court.",
            "Procedure law article 21: cases of national security and terrorism, and those in which life imprisonment or death may be imposed.",
            "Let the case handler check the jurisdiction, and note the reason.",
        ),
        "AV-HINT": Template(
            "No recording of the questioning is among the documents, and the charge is {charge}.",
            "Procedure law article 123 asks for one where life imprisonment or death may be imposed.",
            "It is sent with a mark; let the case handler check whether a recording exists.",
        ),
        "DOC-UNSIGNED": Template(
            "{title} bears no seal or signature, by the word of the case software.",
            "A document of this kind counts only with one.",
            "Have it sealed in the case software and export the case again, or have a named person release it.",
        ),
        "DOC-NUMBER": Template(
            "{title} has no number, or one of an unusual form: {value}.",
            "A document that goes out is found again by its number.",
            "It is sent with a mark; let the case handler fill the number in.",
        ),
        "TECH-INVESTIGATION": Template(
            "The export holds material of technical investigation: {title}.",
            "It is bound in a volume of its own and needs an approval to be handed over.",
            "Have a named person confirm the approval, or take the material out and export the case again.",
        ),
        "REMAINING-TERM": Template(
            "{person} has three months or less left to serve, and this goes to a prison.",
            "Procedure law article 264: a rest of three months or less is served where the prisoner is held.",
            "Let the court check where the sentence is to be served.",
        ),
        "BATCH-MATERIALS": Template(
            "The materials of {person} are missing: there is no folder {folder}.",
            "Each person of a batch has a folder of their own, which the list names.",
            "Put the folder into the export, or take the person off the list; then export the batch again.",
        ),
        "ORG-PEER": Template(
            "Sender ({sender}) and receiver ({receiver}) are of different levels, and no document assigns the case.",
            "Usually the police of a county go to the procuratorate and the court of the county.",
            "Add the decision on jurisdiction, or have a named person confirm it with the reason.",
        ),
        "ORG-REGION": Template(
            "The place of the act ({value}) lies outside the region of the receiver ({expected}).",
            "Usually the authorities of the place where it was done have the case; it may have been assigned.",
            "It is sent with a mark; let the case handler check the receiver.",
        ),
        "CORRECTION-PLACE": Template(
            "The place of correction ({value}) lies outside the region of the office that receives it ({expected}).",
            "The office of the place where the person lives has the supervision.",
            "Choose the right office, or have a named person confirm it with the reason.",
        ),
        "INTERROGATORS": Template(
            "{value} interrogators are named; there have to be two at least.",
            "Procedure law article 118.",
            "Name all interrogators in the case software, and export again.",
        ),
        "BOOKING-SLOT": Template(
            "The booked time is none: {value}.",
            "It is over, ends before it begins, or goes over midnight.",
            "Choose another time in the case software, and export again.",
        ),
        "REPLY-DEADLINE": Template(
            "The notice does not say by when it is to be answered.",
            "Without it the receiver's term cannot be watched.",
            "It is sent with a mark; fill in the date in the case software next time.",
        ),
        "PROPERTY-LIST": Template(
            "Property was seized, and the list that travels with it is missing.",
            "Procedure law article 245: property goes with a list.",
            "Add the list in the case software, or have a named person confirm it with the reason.",
        ),
        "PROPERTY-SUM": Template(
            "The list of property states {value}, its items add up to {total}.",
            "An item was forgotten, or the sum was not updated.",
            "It is sent with a mark; let the case handler check the list.",
        ),
    }
)
