"""The report of a search."""

import re


def test_the_report_needs_no_network(finished):
    _, directory, _, _ = finished
    text = (directory / "report.html").read_text()
    assert text.count("<svg") == 3 + 1  # the figures, and the drawing of the best trial's network
    assert text.index("The network of the best trial") < text.index('data-network="tiny"')
    addresses = set(re.findall(r"https?://[^\"'\s<]+", text))
    assert all(
        address.startswith(("http://www.w3.org/", "http://purl.org/", "http://creativecommons"))
        for address in addresses
    )
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=", text)
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_the_report_shows_no_paths_of_the_machine(finished):
    _, directory, _, _ = finished
    text = (directory / "report.html").read_text()
    assert "The spec of the best trial" in text and f"of {directory.name}: val_accuracy" in text
    assert str(directory.parent) not in text
