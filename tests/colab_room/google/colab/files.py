"""download: what was asked for stays in `downloaded`."""

downloaded = []


def download(name):
    open(name).close()
    downloaded.append(name)
