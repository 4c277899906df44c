"""Mails: every part that a person reads, once; what is not read is named. Mailboxes: every message, apart."""

from __future__ import annotations

import base64

import pytest

from core.loading.loader import load

HEAD = "From: a@example.org\nSubject: Key\nMIME-Version: 1.0\n"
PLAIN = "Content-Type: text/plain; charset=utf-8\n\n"
HTML = "Content-Type: text/html; charset=utf-8\n\n"


def container(subtype: str, *parts: str) -> str:
    body = "".join(f"--{subtype}\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{subtype}; boundary="{subtype}"\n\n{body}--{subtype}--\n'


def read(message: str | bytes) -> tuple[list[str], tuple[str, ...]]:
    """The paragraphs of a message behind its headers, and its notes."""
    document = load("a.eml", message if isinstance(message, bytes) else message.encode())
    return document.text.strip().split("\n\n")[2:], document.notes


def test_an_html_body_before_a_plain_footer_stays() -> None:
    message = HEAD + container("mixed", HTML + "<p>In locker nineteen.</p>", PLAIN + "House mailing list")
    assert read(message) == (["In locker nineteen.", "House mailing list"], ())


def test_of_alternatives_the_plain_text_is_read_where_it_says_the_same() -> None:
    parts = (PLAIN + "In locker *nineteen*.", HTML + "<p>In locker <b>nineteen</b>.</p>")
    assert read(HEAD + container("alternative", *parts)) == (["In locker *nineteen*."], ())


@pytest.mark.parametrize("plain", [" ", "Please see the HTML version.", "Hello"])
def test_of_alternatives_the_html_is_read_where_the_plain_text_says_little(plain: str) -> None:
    related = container("related", HTML + "<p>The key hangs in locker nineteen.</p>")
    assert read(HEAD + container("alternative", PLAIN + plain, related))[0] == ["The key hangs in locker nineteen."]


def test_text_with_a_name_is_text_and_what_is_attached_is_named() -> None:
    named = 'Content-Type: text/plain; name="minutes.txt"\nContent-Disposition: inline\n\nEleven votes.'
    attached = 'Content-Type: application/pdf; name="a.pdf"\nContent-Disposition: attachment\n\nx'
    picture = "Content-Type: image/jpeg\nContent-Disposition: inline; filename*=utf-8''b%C3%A4.jpg\n\nx"
    paragraphs, notes = read(HEAD + container("mixed", PLAIN + "See below.", named, attached, picture))
    assert paragraphs == ["See below.", "Eleven votes.", "Attachments: a.pdf, bä.jpg"]
    assert notes == ("2 attachments are not read: a.pdf, bä.jpg",)


def test_a_body_that_is_called_an_attachment_is_read_where_there_is_nothing_else() -> None:
    assert read(HEAD + "Content-Disposition: attachment; filename=a.txt\n\nToner of the kind TN.")[0] == [
        "Toner of the kind TN."
    ]


def test_forwarded_messages_have_their_headers_nested_and_in_digests() -> None:
    inner = "From: c@example.org\nSubject: Quote\n\nNew slates."
    outer = "From: b@example.org\nSubject: Fwd: Quote\n" + container(
        "mixed", f"Content-Type: message/rfc822\n\n{inner}"
    )
    paragraphs, _ = read(HEAD + container("digest", "\n" + outer))
    assert paragraphs == ["Fwd: Quote", "From: b@example.org", "Quote", "From: c@example.org", "New slates."]


def test_a_forwarded_message_in_base64_is_read() -> None:
    inner = base64.b64encode(b"From: c@example.org\nSubject: Quote\n\nNew slates.").decode()
    part = f"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{inner}"
    assert read(HEAD + container("mixed", part))[0] == ["Quote", "From: c@example.org", "New slates."]


def test_a_delivery_report_says_why() -> None:
    status = (
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n"
        "Final-Recipient: rfc822; x@example.org\nDiagnostic-Code: smtp; 550 no such user\n"
    )
    headers = "Content-Type: text/rfc822-headers\n\nFrom: z@example.org\nSubject: Lost\n"
    paragraphs, _ = read(HEAD + container("report", PLAIN + "Not delivered.", status, headers))
    assert paragraphs == [
        "Not delivered.",
        "Reporting-MTA: dns; mx.example.org",
        "Final-Recipient: rfc822; x@example.org\nDiagnostic-Code: smtp; 550 no such user",
        "Lost",
        "From: z@example.org",
    ]


EVENT = (
    "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nSUMMARY:Roof meeting\nDTSTART;TZID=Europe/Berlin:20250304T183000\n"
    "LOCATION:Boat house\\, first\n  floor\nDESCRIPTION:Bring the quotes.\nBEGIN:VALARM\nDESCRIPTION:Reminder\n"
    "END:VALARM\nEND:VEVENT\nEND:VCALENDAR\n"
)


def test_a_calendar_entry_is_read_once_and_says_what_the_text_does_not() -> None:
    calendar = "Content-Type: text/calendar; method=REQUEST\n\n" + EVENT
    again = "Content-Type: application/ics; name=invite.ics\nContent-Disposition: attachment\n\n" + EVENT
    alternative = container("alternative", PLAIN + "Bring the quotes.", calendar)
    paragraphs, notes = read(HEAD + container("mixed", alternative, again))
    assert paragraphs == [
        "Bring the quotes.",
        "Roof meeting\nStart: 2025-03-04 18:30 (Europe/Berlin)\nPlace: Boat house, first floor",
    ]
    assert notes == ()


def test_flowed_lines_are_joined_quotes_apart() -> None:
    body = "Content-Type: text/plain; format=flowed\n\nThe key \nhangs here.\n> Where is \n> it?\n From: no\n-- \nAnna"
    assert read(HEAD + body)[0] == ["The key hangs here.\n> Where is it?\nFrom: no\n-- \nAnna"]


@pytest.mark.parametrize(
    ("transfer", "body", "text"),
    [
        ("base64", base64.b64encode("Schlüssel".encode()).decode(), "Schlüssel"),
        ("base64", base64.b64encode("Schlüssel im Schrank".encode()).decode()[:-3], "Schlüssel im Schr"),
        ("base64", base64.b64encode("Schlüssel".encode()).decode() + "\n____\nA list", "Schlüssel\n\n____\nA list"),
        ("base64", "Der Schlüssel hängt im Schrank.", "Der Schlüssel hängt im Schrank."),
        ("quoted-printable", "Schl=C3=BCssel =\nim =Schrank", "Schlüssel im =Schrank"),
        ("7bit", "Schl=C3=BCssel im S=C3=A4nger=\nhaus=2E", "Schlüssel im Sängerhaus."),
        ("7bit", "a=b, c=DE und x=3", "a=b, c=DE und x=3"),
        ("x-foo", "Schlüssel", "Schlüssel"),
        ("8bit", base64.b64encode(b"Der Schrank steht im Keller, gleich neben der Heizung. " * 3).decode(),
         ("Der Schrank steht im Keller, gleich neben der Heizung. " * 3).strip()),
        ("x-uuencode", "begin 644 a.txt\n%2V5L;&5R\n`\nend\n", "Kelle"),
    ],
)  # fmt: skip
def test_transfer_encodings_that_are_damaged_or_wrongly_declared_lose_no_word(
    transfer: str, body: str, text: str
) -> None:
    message = f"{HEAD}Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {transfer}\n\n{body}"
    assert load("a.eml", message.encode()).text.strip().endswith(text)


def test_a_file_inside_the_text_is_named() -> None:
    paragraphs, notes = read(HEAD + "\nSee this.\nbegin 644 map.gif\n%2V5L;&5R\n`\nend\nAnna")
    assert paragraphs == ["See this.", "Anna", "Attachments: map.gif"]
    assert notes == ("1 attachment is not read: map.gif",)


def test_signatures_are_left_out_silently_encryption_is_said() -> None:
    signature = "Content-Type: application/pgp-signature; name=signature.asc\n\n-----BEGIN PGP SIGNATURE-----"
    assert read(HEAD + container("signed", PLAIN + "Signed.", signature)) == (["Signed."], ())
    clear = (
        "\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n- - one\nSigned.\n"
        "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"
    )
    assert read(HEAD + clear) == (["- one\nSigned."], ())
    encrypted = "Content-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----"
    note = "the message is encrypted: its text cannot be read"
    assert read(HEAD + container("encrypted", encrypted))[1] == (note,)
    assert read(HEAD + "\nHi\n-----BEGIN PGP MESSAGE-----\nabc\n-----END PGP MESSAGE-----\n") == (["Hi"], (note,))
    assert read(HEAD + "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMIAG")[1] == (note,)


def test_winmail_dat_is_said() -> None:
    part = "Content-Type: application/ms-tnef; name=winmail.dat\n\nx"
    assert read(HEAD + container("mixed", PLAIN + "Hi", part))[1] == (
        "winmail.dat is in a form of Outlook's own, which is not read: what is in it is missing here",
    )


def test_headers_in_encodings_that_python_does_not_know_are_read() -> None:
    subject = base64.b64encode("שלום".encode("iso8859-8")).decode()
    document = load("a.eml", f"From: a@b.c\nSubject: =?iso-8859-8-i?B?{subject}?=\n\nHi".encode())
    assert document.metadata["title"] == "שלום"
    assert load("a.eml", b"From: a@b.c\nSubject: Schl\xfcssel\n\nHi").metadata["title"] == "Schlüssel"


ANNA = "From anna@example.org Tue Mar  4 09:10:00 2025\nFrom: Anna\nSubject: Fees\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_sentence_that_begins_with_from_does_not_end_a_message(end: str) -> None:
    box = (
        f"{ANNA}\nDear members,\n\nFrom January 2025 the fee is 40 euros.\n\nNote: children pay nothing.\n\n"
        f"From 2024:\nSubject is open.\n\n{ANNA}\nEnd\n"
    )
    document = load("a.mbox", box.replace("\n", end).encode())
    assert [row.fields["subject"] for row in document.rows] == ["Fees", "Fees"]
    assert "Note: children pay nothing." in document.text[: document.rows[0].end]
    assert "Subject is open." in document.text[: document.rows[0].end]


@pytest.mark.parametrize(
    "postmark",
    [
        "From - Tue Mar  4 09:10:00 2025",
        "From 1827364554637281910@xxx Tue Mar 04 08:10:00 +0000 2025",
        "From MAILER-DAEMON Tue Mar  4 09:10:00 CET 2025",
        "From ???@??? Tue Mar 04 09:10:00 2025",
    ],
)
def test_messages_are_apart_without_a_blank_line_between_them(postmark: str) -> None:
    message = f"{postmark}\nFrom: Anna\nSubject: Fees\n\nForty.\n"
    assert len(load("a.mbox", (message * 3).encode()).rows) == 3


def test_quoted_from_lines_are_as_they_were_written() -> None:
    box = f"{ANNA}\n>From Anna\n>>From me\n> From you\n"
    assert load("a.mbox", box.encode()).text.endswith("From Anna\n>From me\n> From you\n")


def test_a_told_length_keeps_from_lines_of_the_text() -> None:
    body = f"Forwarded:\n\n{ANNA}\nQuoted.\n"
    box = f"{ANNA}Content-Length: {len(body)}\n\n{body}\n{ANNA}Content-Length: 9999\n\nNext\n\n{ANNA}\nLast\n"
    assert len(load("a.mbox", box.encode()).rows) == 3


def test_a_mailbox_tells_its_attachments_and_notes_once() -> None:
    part = "Content-Type: image/png; name=a.png\n\nx"
    box = (ANNA + container("mixed", PLAIN + "Hi", part)) * 2
    assert load("a.mbox", box.encode()).notes == ("2 attachments are not read: a.png, a.png",)


def test_parts_without_end_do_not_hang_or_fail() -> None:
    deep = HEAD + "".join(f'Content-Type: multipart/mixed; boundary="{n}"\n\n--{n}\n' for n in range(2000))
    assert load("a.eml", deep.encode()).notes == ("parts nested more than 30 deep are not read",)


def test_an_html_part_says_its_encoding_in_itself() -> None:
    page = "<meta charset=windows-1251><p>Ключ в шкафу</p>".encode("cp1251")
    assert load("a.eml", f"{HEAD}Content-Type: text/html\n\n".encode() + page).text.endswith("Ключ в шкафу\n")


def test_a_bad_character_in_base64_damages_its_own_place_only() -> None:
    body = bytearray(base64.encodebytes(b"The key hangs in locker nineteen. " * 12))
    body[100:101] = b"!"
    head = f"{HEAD}Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n"
    document = load("a.eml", head.encode() + bytes(body))
    assert document.text.count("locker nineteen.") == 11 or document.text.count("The key hangs") == 11
    assert document.notes[0].startswith("a part of the message is damaged")


def test_a_message_inside_its_s_mime_signature_is_read() -> None:
    content = b"Content-Type: text/plain\n\nIn locker nineteen."
    octets = (
        b"\x24\x80" + b"".join(b"\x04" + bytes([len(part)]) + part for part in (content[:20], content[20:])) + b"\0\0"
    )
    oid = bytes.fromhex("06092a864886f70d0107")
    signed = b"\x30\x80" + oid + b"\x02\xa0\x80\x30\x80" + oid + b"\x01\xa0\x80" + octets + b"\0\0"
    head = f"{HEAD}Content-Type: application/pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64\n\n"
    assert read(head.encode() + base64.b64encode(signed)) == (["In locker nineteen."], ())


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "cp1251"])
@pytest.mark.parametrize("declares", [True, False])
def test_headers_in_bytes_are_in_the_encoding_of_the_text(encoding: str, declares: bool) -> None:
    subject, text = (
        ("Größe ä", "Die Fähre fährt für uns übers Meer.")
        if encoding != "cp1251"
        else ("Паром", "Паром отходит в семь часов утра.")
    )
    kind = f"Content-Type: text/plain; charset={encoding}\n" if declares else ""
    data = f"From: a@example.org\nSubject: {subject}\n{kind}\n{text}\n".encode(encoding)
    document = load("a.eml", data)
    assert document.text.startswith(f"{subject}\n")
    assert text in document.text
