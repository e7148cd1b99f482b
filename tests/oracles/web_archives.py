"""Web archives that warcio writes."""

import io

DATE = "2024-05-01T00:00:00Z"
PROSE = "The rain in Spain stays mainly in the plain, as the old song has it. " * 4
PAGE = (
    "<html><head><title>A</title></head><body><nav><a href=/>Home</a></nav>"
    f"<main><article><p>{PROSE}{{}}</p></article></main></body></html>"
)


class Archive:
    """A file that warcio writes, with the place of each record."""

    def __init__(self, *, is_gzip: bool = False) -> None:
        from warcio.warcwriter import WARCWriter

        self.out = io.BytesIO()
        self.places: list[int] = []
        self.writer = WARCWriter(self.out, gzip=is_gzip)

    def add(self, kind: str, url: str, body: bytes, *http: str, **headers: str) -> None:
        from warcio.statusandheaders import StatusAndHeaders

        self.places.append(self.out.tell())
        named = [tuple(line.split(": ", 1)) for line in http[1:]]
        status = StatusAndHeaders(http[0], named, protocol="HTTP/1.1") if http else None
        described = {"WARC-Date": DATE, **{k.replace("_", "-"): v for k, v in headers.items()}}
        self.writer.write_record(
            self.writer.create_warc_record(
                url,
                kind,
                payload=io.BytesIO(body),
                http_headers=status,
                warc_headers_dict=described,
                warc_content_type=headers.get("Content_Type", ""),
            )
        )


def pages(count: int = 4, *, is_gzip: bool = False) -> Archive:
    made = Archive(is_gzip=is_gzip)
    for number in range(count):
        body = PAGE.format(f"Page {number}.").encode()
        made.add("response", f"http://e/{number}", body, "200 OK", "Content-Type: text/html")
    return made
