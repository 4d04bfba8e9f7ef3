"""What is said about the content of an export: fields, persons, dates, documents, secrecy, order of steps."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "FIELD-MISSING": Template(
            "A required field is empty: {field}.",
            "The recipient's system cannot register the case without it.",
            "Fill it in in the case software, and export the case again.",
        ),
        "FIELD-FORMAT": Template(
            "{field} is not written in the prescribed form.",
            "The recipient's system would not understand it.",
            "Correct it in the case software, and export the case again.",
        ),
        "ID-CHECKSUM": Template(
            "The identity number of {person} has a wrong check digit: it ends in {last}, by calculation in {right}.",
            "A digit was mistyped.",
            "Compare it with the identity document, correct it in the case software, and export the case again.",
        ),
        "ID-BIRTH-MISMATCH": Template(
            "{person}: the date of birth is given as {stated}, the identity number says {numbered}.",
            "One of the two was mistyped, or the identity document is wrong.",
            "Let the case handler decide which one counts, and note the reason.",
        ),
        "ID-SEX-MISMATCH": Template(
            "{person}: the sex differs from the one in the identity number.",
            "One of the two was mistyped, or the identity document is wrong.",
            "Let the case handler decide which one counts, and note the reason.",
        ),
        "ID-LOWERCASE-X": Template(
            "The identity number of {person} was written with full-width digits or a small x.",
            "It is treated as the standard form; a digest of the original is kept.",
            "Nothing to do.",
        ),
        "ID-15-DIGIT": Template(
            "The identity number of {person} has the old form with 15 digits.",
            "It is converted for comparison only; the original is not changed.",
            "Add the number with 18 digits in the case software when it is known.",
        ),
        "ID-MISSING": Template(
            "{person} has neither an identity number nor a reason why it is missing.",
            "The procedure law (article 160) allows an unknown identity, but it must be said.",
            "Fill in the number, or choose the reason, such as “identity unknown”; then export the case again.",
        ),
        "ID-DUPLICATE": Template(
            "{persons} have the same identity number.",
            "One of the two was mistyped, or one person was recorded twice.",
            "Let the case handler correct or confirm it.",
        ),
        "AGE-UNDER-16": Template(
            "{person} was {age} years old at the time of the act; {charge} counts from {needed} years on.",
            "Age is calculated from the date of birth and the date of the offence; see the juvenile mark as well.",
            "The legal department must confirm it and note the reason before it can be sent.",
        ),
        "AGE-12-14": Template(
            "{person} was {age} years old at the time of the act ({charge}).",
            "Criminal Law article 17 paragraph 3 requires the approval of the Supreme People's Procuratorate.",
            "Confirm it to send at this stage; at indictment the approval must be among the documents.",
        ),
        "DATE-ORDER": Template(
            "{earlier} ({earlier_date}) lies before {later} ({later_date}).",
            "A later step is dated before an earlier one.",
            "Let the case handler check the dates, then correct or confirm them.",
        ),
        "DATE-FUTURE": Template(
            "{field} lies in the future: {value}.",
            "Probably digits of the year were swapped; nothing is corrected by itself.",
            "Let the case handler check the date.",
        ),
        "DETENTION-LIMIT": Template(
            "{person} was detained for {days} days; the ground given allows {limit}.",
            "Procedure law article 91 gives 3, 7 or 30 days.",
            "It is sent with a mark; let the case handler check the ground for extension.",
        ),
        "CUSTODY-EXPIRED": Template(
            "The term of custody of {person} ended on {value}, {days} days ago.",
            "The end date in the case lies in the past.",
            "Check at once whether the person is held lawfully, and tell the resident prosecutor.",
        ),
        "ORG-UNKNOWN": Template(
            "The unit code in {field} is not known.",
            "The unit may have been closed, or the code was mistyped. Units with a code or name like it stand behind the arrow.",
            "Choose the present unit in the case software, and export the case again.",
        ),
        "ROUTE-MISMATCH": Template(
            "A unit of this kind may not send this flow to the recipient.",
            "The exchange standard does not provide for it.",
            "Choose the right flow or recipient in the case software, and export the case again.",
        ),
        "CHG-MISMATCH": Template(
            "The code and the name of an offence do not belong together: {value}.",
            "One of the two was chosen wrongly.",
            "Correct it in the case software, and export the case again.",
        ),
        "CHG-INVESTIGATOR": Template(
            "{charge} is usually investigated by another authority.",
            "The charge and the sending unit do not fit each other by the usual rules of jurisdiction.",
            "Confirm the ground of jurisdiction, and note the reason.",
        ),
        "CASENO-FORMAT": Template(
            "A case number is written with half-width brackets or another form.",
            "It is treated as the standard form in comparisons; the original is kept.",
            "Nothing to do.",
        ),
        "PERSON-COUNT": Template(
            "The number of persons is given as {value}, but {expected} are listed.",
            "A person was forgotten, or the number was not updated.",
            "Correct the number or the list in the case software, or confirm it.",
        ),
        "DOC-MISSING": Template(
            "A document that this flow requires is missing: {title}.",
            "The recipient may not accept the case without it.",
            "Add the document in the case software, and export the case again.",
        ),
        "DOC-LISTED-ABSENT": Template(
            "The list names {title}, which is not in the export.",
            "It was deleted or not exported.",
            "Add the document or take it off the list, and export the case again.",
        ),
        "DOC-UNLISTED": Template(
            "The export contains {file}, which its list does not name.",
            "It may be internal material put there by mistake; nothing is sent before somebody confirms it.",
            "Confirm the file, or remove it and export the case again.",
        ),
        "DOC-CORRUPT": Template(
            "{file} cannot be opened.",
            "The file is incomplete or damaged.",
            "Produce the document again, and export the case again.",
        ),
        "DOC-TYPE": Template(
            "{file} is of another kind than its name says.",
            "Legal documents travel as PDF or OFD, and the ending must be right.",
            "Produce the document as PDF or OFD, and export the case again.",
        ),
        "DOC-EDITABLE-ONLY": Template(
            "{title} is there only in an editable form.",
            "There is no fixed version with seal or signature.",
            "Produce the sealed PDF or OFD version, and export the case again.",
        ),
        "DOC-PASSWORD": Template(
            "{file} is protected: a password is needed to read, print or copy it.",
            "Where a password is needed to open it, the recipient could not read it; restrictions only are sent with a mark.",
            "Remove the password, and export the case again.",
        ),
        "PRISON-FOUR-DOCS": Template(
            "One of the four documents for taking in a prisoner is missing: {title}.",
            "Prison Law article 16 forbids the prison to take anybody in without them.",
            "Add the document in the case software, and export the case again.",
        ),
        "SIGN-INVALID": Template(
            "The seal or signature on {file} does not hold.",
            "The document was changed after sealing, the certificate had expired, or its issuer is not trusted.",
            "Have the document sealed again, and export the case again.",
        ),
        "SEC-LEVEL": Template(
            "Material marked as a state secret was found.",
            "This way is not approved for classified material; it was stopped at once and no copy was kept.",
            "The security administrator has been told; handle it by the rules on secrecy.",
        ),
        "SEC-VOLUME": Template(
            "The export contains an internal volume: {title}.",
            "Only the litigation volumes are handed over; investigation and deliberation volumes stay in the house.",
            "Remove the volume, and export the case again.",
        ),
        "WITNESS-PROTECT": Template(
            "The export may reveal a protected witness: {title}.",
            "True identities of protected persons travel in a classified volume of their own, and not on this way.",
            "Remove the material, or have it confirmed by name that none is contained.",
        ),
        "JUV-SEALED": Template(
            "The record of a person is sealed and must not be given out.",
            "Procedure law article 286; towards others a sealed record is answered like no record.",
            "Remove the person from the export.",
        ),
        "CORR-ORPHAN": Template(
            "The reply belongs to a request that is not known here.",
            "The reply came before the request, a number was changed, or the request went by another way.",
            "Wait up to three days, or link the reply to its request by hand.",
        ),
        "DUP-SAME": Template(
            "The same export was sent before, on {sent} as bundle {bundle}; it is not sent again.",
            "What it is about and its content are the same, byte for byte.",
            "Nothing to do: the earlier receipt counts.",
        ),
        "DUP-DIFFERENT": Template(
            "Another version of this export was sent before, on {sent} as bundle {bundle}; receipted: {receipted}.",
            "Flow, case number and recipient are the same and the content differs.",
            "If it is a correction, mend it with the correction flow of the case software, or have a named person release it: it then goes as a correction of that bundle.",
        ),
        "FLOW-SUPP-3RD": Template(
            "This would be the third supplementary investigation.",
            "Procedure law article 175 allows two.",
            "Let the case handler check the round, and note the reason.",
        ),
        "FLOW-EXT-LATE": Template(
            "The extension is asked for too late: {days} days before custody ends.",
            "It must be asked for seven days before the term ends; once it has ended, the procuratorate does not accept the request.",
            "It is sent with a mark; call the recipient.",
        ),
        "TERM-ARITHMETIC": Template(
            "The sentence of {person} is said to end on {stated}; reckoned with {days} days of custody deducted it ends on {reckoned}.",
            "Probably the time in custody before the sentence was not deducted, or deducted twice.",
            "It is sent with a mark; let the court check the calculation.",
        ),
        "EXEC-BEFORE-EFFECTIVE": Template(
            "The judgment is not said to have taken effect: {field}.",
            "A sentence may only be executed once the judgment is final.",
            "Fill in the date in the case software, and export the case again.",
        ),
        "COMMUTATION-ORDER": Template(
            "The sentence of {person} would not end earlier after the commutation than before it.",
            "The two dates were swapped, or one was mistyped.",
            "Let the prison check the dates, then correct or confirm them.",
        ),
        "AV-NO-MOOV": Template(
            "The recording {file} cannot be played.",
            "It was not finished properly, or broke off.",
            "Repair it on the recording device, and export the case again.",
        ),
        "AV-PROPRIETARY": Template(
            "The recording {file} needs the player of its maker.",
            "It is sent as it is; converting would change the original.",
            "Add the player or a note on it, or a copy as MP4.",
        ),
        "SOURCE-UPGRADE": Template(
            "The case software was probably updated: its exports look different.",
            "The version changed, or fields that were always filled are now empty.",
            "Sending from this source is held and the originals are kept; ask the vendor, then release.",
        ),
        "CLOCK-SKEW": Template(
            "The clock of the peer differs from ours.",
            "Terms are counted from the moment of receipt here, not from the peer's clock.",
            "Ask the peer's operator to set the clock.",
        ),
        "SEQ-GAP": Template(
            "Bundles of one sender are missing.",
            "The sequence numbers have a gap that lasts too long.",
            "The missing ones have been asked for; if it lasts, call the peer's operator.",
        ),
        "ACK-TIMEOUT": Template(
            "No receipt has come although one was due.",
            "The peer has not collected or not answered: its gateway may be off.",
            "The receipt is asked for by itself. Call the peer's operator if it lasts.",
        ),
        "KEY-EXPIRED": Template(
            "The recipient's encryption key is out of date, so nothing can be sealed for it.",
            "Its card has expired or been revoked, and no newer card has been added.",
            "Get a new card from the recipient's administrator, compare the fingerprint, and run `caseferry peer add`.",
        ),
        "FIELD-REPEATED": Template(
            "{field} occurs more than once.",
            "Nobody can say which value counts; the first one was taken.",
            "Let the case handler confirm it, or have it corrected by the vendor of the case software.",
        ),
        "ID-FORMAT": Template(
            "The identity number of {person} has {length} characters or an impossible date.",
            "A resident identity number has 18 characters and contains the date of birth.",
            "Compare it with the identity document, correct it in the case software, and export the case again.",
        ),
        "AGE-IMPLAUSIBLE": Template(
            "By the dates given, {person} was {age} years old at the time of the act.",
            "The date of birth or the date of the offence was mistyped.",
            "Let the case handler check the dates, then correct or confirm them.",
        ),
        "AGE-JUVENILE-FLAG": Template(
            "{person} was {age} years old at the time of the act, but is not marked as a juvenile.",
            "Juveniles have rights of their own in the procedure, so the mark matters.",
            "Let the case handler correct or confirm it.",
        ),
        "DATE-UNREADABLE": Template(
            "{field} is not a date: {value}.",
            "The recipient's system could not read it.",
            "Correct it in the case software, and export the case again.",
        ),
        "DOC-NAMES-PERSON": Template(
            "{file} names {person}, who is not a person of this case.",
            "A document of another case may have been put here by mistake.",
            "It is sent with a mark; let the case handler check the document.",
        ),
    }
)
