"""What is said about the outer form of an export: completion marks, zip files, encodings, tables."""

from types import MappingProxyType

from gateway.words.templates import Table, Template

TABLE: Table = MappingProxyType(
    {
        "FS-NO-MARKER": Template(
            "{file} no longer changes but has no completion mark.",
            "The case software has not said that it is finished, so the export may be incomplete; nothing has been sent.",
            "If the export is complete, press the button for finishing it in the case software again.",
        ),
        "FS-MARKER-MISMATCH": Template(
            "{file} differs from the digest or size in its completion mark.",
            "It was changed after the export was finished, or the mark belongs to an older export.",
            "It is held and the original is kept; export the case again.",
        ),
        "FS-ZERO-BYTE": Template(
            "{file} has no content.",
            "Often the disk was full during the export, or a virus scanner interfered.",
            "Check the free space of the exporting machine, then export the case again.",
        ),
        "FS-LEFTOVER": Template(
            "{count} temporary or system files were left out; everything else is sent.",
            "Word processors and operating systems leave such files behind; they are no part of the case.",
            "Nothing to do; if a document was open during the export, make sure that its last version was saved.",
        ),
        "FS-INCOMPLETE": Template(
            "{file} is not complete yet.",
            "The folder lacks its completion mark, or files that its list names; a part is never sent.",
            "Wait for the case software to finish; if it has finished, export the case again.",
        ),
        "FS-LABEL-UNREADABLE": Template(
            "{file} does not say readably what the export is.",
            "It must be one JSON object in UTF-8 with short texts under flow, receiver, sender, case_no, case_name, and nothing else.",
            "Correct the file, or leave it out if the folder needs none, then export the case again.",
        ),
        "FS-GROWING": Template(
            "{file} is still growing.",
            "The export is still being written.",
            "Wait; if it takes more than half an hour, look at the disk and the network share of the case software.",
        ),
        "FS-LOCKED": Template(
            "{file} is in use by another program.",
            "The export or a virus scanner holds it open.",
            "It is tried again by itself; if it lasts, close the program or exclude the folder from scanning.",
        ),
        "FS-NO-SPACE": Template(
            "Too little space is left on this server's disk.",
            "Large exports are left waiting so that small ones can still be carried.",
            "Make room on the disk; it goes on by itself.",
        ),
        "ZIP-TRUNCATED": Template(
            "{file} is an incomplete zip file.",
            "Its end is missing: the export or a copy broke off, often because the disk was full.",
            "Make sure that twice the size of the case is free on the exporting disk, then export it again.",
        ),
        "ZIP-CRC": Template(
            "{file} is damaged inside the zip file.",
            "Its bytes do not match their checksum: a bad disk sector, or a device that changed the file on the way.",
            "Export the case again; if it happens several times a day, have the disk and the gap device checked.",
        ),
        "ZIP-ENCRYPTED": Template(
            "{file} is protected by a password.",
            "The gateway takes no password-protected files; it encrypts everything on the way by itself.",
            "Export the case again without a password.",
        ),
        "ZIP-NAME-UNDECODABLE": Template(
            "A file name inside the zip file cannot be read.",
            "Its bytes are neither UTF-8 nor GB18030; another packing program was probably used.",
            "Use the export of the case software itself, and do not repack it with other programs.",
        ),
        "ZIP-PATH-TRAVERSAL": Template(
            "The zip file contains a path that leads out of its folder or means something else on Windows.",
            "Such paths are used for attacks; case software does not make them.",
            "It is set aside and the security administrator has been told; nothing of it was written to the disk.",
        ),
        "ZIP-BACKSLASH": Template(
            "Backslashes in paths were read as separators.",
            "The exporting program writes Windows paths.",
            "Nothing to do.",
        ),
        "ZIP-BOMB": Template(
            "{file} would grow beyond all measure when unpacked.",
            "The ratio of sizes, or the total, is above the limit; this may be an attack.",
            "It is set aside. If the pages are genuine (blank scanned pages shrink very well), the administrator may raise the limit.",
        ),
        "ZIP-NOT-ZIP": Template(
            "{file} is not a zip file.",
            "Its content is of another kind, for example RAR, whatever its name says.",
            "Export the case again as a zip file.",
        ),
        "ZIP-DUP-ENTRY": Template(
            "{file} occurs twice in the zip file.",
            "The names are the same or differ only in upper and lower case, so nobody can say which one counts.",
            "Remove one of the two and export the case again.",
        ),
        "ZIP-SYMLINK": Template(
            "The zip file contains a link or a device instead of a file.",
            "Links can point to files outside the export; case software does not make them.",
            "It is set aside and the security administrator has been told; nothing of it was written to the disk.",
        ),
        "NAME-SLASH-IN-TITLE": Template(
            "The document title “{title}” has a slash and was turned into a folder.",
            "The case software wrote the title as a path; the file was matched to its title by the list.",
            "Confirm that it is the right document, then release it.",
        ),
        "NAME-TOO-LONG": Template(
            "A file name is longer than the disk allows; it travels under a short name.",
            "The original name is kept in the list and shown to the recipient.",
            "Nothing to do.",
        ),
        "ENC-DECL-MISMATCH": Template(
            "{file} declares the encoding {declared} and is written in {actual}.",
            "The exporting program writes a wrong declaration.",
            "Ask the vendor of the case software to correct the declaration.",
        ),
        "ENC-GB2312-RARE": Template(
            "{file} contains rare characters beyond the encoding that it declares.",
            "It was read as GB18030, which contains all of them.",
            "Nothing to do.",
        ),
        "ENC-REPLACEMENT": Template(
            "The name {person} has probably lost characters.",
            "Question marks or boxes stand where rare characters may have been; a case must not go out under a wrong name.",
            "Check the identity document, correct it in the case software, and export the case again.",
        ),
        "ENC-PUA": Template(
            "The name {person} contains a character made by hand ({codes}).",
            "Other systems show nothing for it.",
            "Add the pronunciation or the parts of the character, or use the standard one; then release or export again.",
        ),
        "ENC-BOM": Template(
            "A byte order mark at the beginning of {file} was skipped.",
            "The exporting program writes it although it has no meaning in UTF-8.",
            "Nothing to do.",
        ),
        "NAME-MIDDLE-DOT": Template(
            "The dot in a name is written in another way than usual.",
            "It is treated as the standard dot in comparisons; the original is kept.",
            "Nothing to do.",
        ),
        "XML-MALFORMED": Template(
            "{file} is not well-formed XML (line {line}, column {column}).",
            "A character such as & or < stands where it must be escaped, or the file broke off.",
            "Give the place to the vendor of the case software, and export the case again.",
        ),
        "XML-CONTROL-CHAR": Template(
            "{file} contains an invisible control character (line {line}, column {column}).",
            "It mostly comes with text pasted from a word processor; it is not removed, as that would change the document.",
            "Delete the character from the text in the case software, and export the case again.",
        ),
        "XML-DTD": Template(
            "{file} declares external entities.",
            "Such declarations are used for attacks; case software does not need them.",
            "It is set aside and the security administrator has been told; nothing of it was read.",
        ),
        "JSON-SYNTAX": Template(
            "{file} is not correct JSON.",
            "A comma, quote or bracket is wrong at the place given.",
            "Give the place to the vendor of the case software, and export the case again.",
        ),
        "JSON-ABSENT": Template(
            "The export has no {file}.",
            "Without it nobody knows which case this is.",
            "Export the case again; if it happens again, ask the vendor of the case software.",
        ),
        "JSON-SCHEMA": Template(
            "{file} is not what this case software writes.",
            "A part that the format prescribes is missing or of another kind.",
            "Check that the export was dropped into the right folder; if so, ask the vendor of the case software.",
        ),
        "JSON-LIMIT": Template(
            "{file} is larger than {limit} bytes, or has more values than any case.",
            "No case has so many fields; it is a fault or an attack.",
            "Ask the vendor of the case software what was written into it.",
        ),
        "JSON-CHAR": Template(
            "{field} in {file} contains a character that no other system can take ({value}, line {line}).",
            "It mostly comes with text pasted from a word processor; it is not removed, as that would change the document.",
            "Delete the character from the text in the case software, and export the case again.",
        ),
        "JSON-DUP-KEY": Template(
            "{field} occurs twice in {file} with different values.",
            "Nobody can say which value counts.",
            "Have it corrected by the vendor of the case software, and export the case again.",
        ),
        "CSV-EXCEL-SCI": Template(
            "A number in {field} was ruined by a spreadsheet program.",
            "It was turned into scientific notation and its last digits are lost; they cannot be restored.",
            "Export directly from the case software, and do not save the file with a spreadsheet program.",
        ),
        "CSV-DATE": Template(
            "Dates in {field} are not written uniformly.",
            "Those that were clear have been understood; the others need a look.",
            "Confirm the dates, or export directly from the case software.",
        ),
        "CSV-COLUMNS": Template(
            "Row {row} of {file} has {columns} columns, the heading has {wanted}.",
            "Probably a text contains a comma without quotation marks.",
            "Correct the line, or export directly from the case software.",
        ),
        "CSV-ROWCOUNT": Template(
            "{file} has {actual} rows; its completion mark says {stated}.",
            "Lines are missing, or the mark belongs to another export.",
            "Export the list again.",
        ),
        "CSV-FILECOUNT": Template(
            "The folder of {file} holds {actual} files; its completion mark says {stated}.",
            "Documents are missing or were added later, or the mark belongs to another export.",
            "Export the batch again.",
        ),
        "CSV-HEADING": Template(
            "The first line of {file} has no column {names}.",
            "The heading was changed or lost, or the table is no batch of prisoners.",
            "Export directly from the case software, and check that the table was dropped into the right folder.",
        ),
        "CSV-MALFORMED": Template(
            "{file} cannot be read as a table from line {line} on.",
            "Quotation marks do not close, or characters stand there that no text has.",
            "Export directly from the case software.",
        ),
        "CSV-LIMIT": Template(
            "{file} has more than {limit} rows.",
            "No batch has so many; it is a fault or an attack.",
            "Ask the vendor of the case software what was written into it.",
        ),
        "CSV-MATERIALS-EXTRA": Template(
            "The folder {folder} belongs to no row of {file}.",
            "A prisoner was taken out of the batch, or the folder was put there by mistake.",
            "Confirm the folder, or remove it and export the batch again.",
        ),
        "CSV-DUP-PRISONER": Template(
            "The prisoner's number {number} occurs twice: {persons}.",
            "Two persons share a number, or one line was written twice.",
            "Correct the list and export it again, or confirm it.",
        ),
        "SIZE-HOP-LIMIT": Template(
            "The export is larger than a device on the way allows.",
            "It is split for the way and put together again by the recipient.",
            "Nothing to do; it takes longer.",
        ),
        "FS-NAME-MISMATCH": Template(
            "The name of the export says {named}, its content says {stated}.",
            "The export was renamed by hand, or the case software mixed up two cases.",
            "Check which one is right; then release it, or export the case again.",
        ),
        "FS-EMPTY": Template(
            "{file} contains no file.",
            "The export was started and not filled, or only temporary files were left in it.",
            "Export the case again.",
        ),
        "FS-LIMIT": Template(
            "{file} contains more than {limit} files.",
            "The wrong folder was probably dropped; no dossier has so many files.",
            "Check what was dropped, and export the case again.",
        ),
        "FS-DUP-NAME": Template(
            "{file} and {other} cannot be told apart on other systems.",
            "Their names differ only in upper and lower case or in the way characters are put together.",
            "Rename one of the two and export the case again.",
        ),
        "FS-NAME-UNUSABLE": Template(
            "The file name {file} cannot be used on other systems.",
            "It is too long, cannot be read, contains characters that lead elsewhere, or means something else on Windows: "
            "a device such as aux.xml, a colon, a dot or a blank at the end.",
            "Rename the file and export the case again.",
        ),
        "FS-SPECIAL-FILE": Template(
            "{file} is a link or a device and not a file.",
            "Such things can lead to other places of the server; case software does not make them.",
            "Nothing was sent and the security administrator has been told; find out who put it there.",
        ),
        "ZIP-MALFORMED": Template(
            "{file} breaks the rules of the zip format.",
            "Its parts contradict each other; it was damaged on the way or made by a faulty program.",
            "Export the case again; if it happens again, ask the vendor of the case software.",
        ),
        "ZIP-LIMIT": Template(
            "{file} contains more entries than any dossier.",
            "So many entries are a fault or an attack.",
            "Check what was exported; the administrator may raise the limit.",
        ),
        "ZIP-METHOD": Template(
            "{file} is packed with a method that the gateway does not read.",
            "Only plain zip files (stored or deflated) are read.",
            "Export with the case software's own function, and do not repack with other programs.",
        ),
        "XML-ABSENT": Template(
            "The export has no {file}.",
            "Without it nobody knows which case this is.",
            "Export the case again; if it happens again, ask the vendor of the case software.",
        ),
        "XML-LIMIT": Template(
            "{file} is larger than {limit} bytes.",
            "No case has so many fields; it is a fault or an attack.",
            "Ask the vendor of the case software what was written into it.",
        ),
        "XML-SCHEMA": Template(
            "{file} is not the case data of this case software.",
            "Its outermost element or its size is not what the format prescribes.",
            "Check that the export was dropped into the right folder; if so, ask the vendor of the case software.",
        ),
    }
)
