"""Set up the virtual environment: `python3 tools/make_venv.py .venv requirements.txt`.

On Linux pip's usual PyTorch brings gigabytes of CUDA; where no NVIDIA GPU is, the CPU build is
taken, if its index can be reached.
Written so that any Python can run it, if only to say in one sentence which one is needed.
"""

import os
import re
import subprocess
import sys

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
WAIT = 5  # seconds for that index to answer
PIP = "-m pip install -q --disable-pip-version-check".split()


def stop(sentence):
    sys.stderr.write(sentence + "\n")
    sys.exit(1)


def check_python(version):
    if tuple(version[:2]) < (3, 10):
        stop(
            "This course needs Python 3.10 or later, and `python3` is %d.%d here: install one, "
            "then name it, as in `make lab PYTHON=python3.12`." % tuple(version[:2])
        )


def check_venv():
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        stop(
            "This Python cannot make virtual environments: install its venv package "
            "(Debian, Ubuntu: `sudo apt install python3-venv`), then run the same command again."
        )


def torch_of(requirements):
    """The line of a requirements file, or of one that it takes in, that pins torch; '' for none."""
    with open(requirements) as file:
        for line in file:
            inner = re.match(r"-r\s+(\S+)", line)
            if inner:
                found = torch_of(os.path.join(os.path.dirname(requirements), inner.group(1)))
                if found:
                    return found
            elif line.startswith("torch=="):
                return line.strip()
    return ""


def has_nvidia():
    from shutil import which

    places = ("/dev/nvidia0", "/dev/nvidiactl", "/proc/driver/nvidia")
    return bool(which("nvidia-smi")) or any(os.path.exists(place) for place in places)


def answers(address):
    """Does it, within WAIT seconds? Looking up a name may take longer than any timeout allows."""
    from threading import Thread
    from urllib.request import urlopen

    found = []

    def ask():
        try:
            urlopen(address, timeout=WAIT).close()
            found.append(True)
        except OSError:
            pass

    thread = Thread(target=ask)
    thread.daemon = True
    thread.start()
    thread.join(WAIT)
    return bool(found)


def install_cpu_torch(python, torch):
    """Where it would spare gigabytes. Says in one line what it did."""
    if not torch or not sys.platform.startswith("linux") or has_nvidia():
        return
    if not answers(CPU_INDEX + "/torch/"):
        why = "its index cannot be reached"
    elif subprocess.call([python] + PIP + [torch, "--index-url", CPU_INDEX]) != 0:
        why = "its index does not give it"
    else:
        print("No NVIDIA GPU here: this is PyTorch's CPU build.")
        return
    print(
        "No NVIDIA GPU here, but not PyTorch's CPU build: %s. pip's own may bring gigabytes." % why
    )
    sys.stdout.flush()


def main(folder, requirements):
    check_python(sys.version_info)
    check_venv()
    print("Setting up %s (the first time this takes a minute or more) ..." % folder)
    sys.stdout.flush()
    if subprocess.call([sys.executable, "-m", "venv", folder]) != 0:
        stop(
            "Could not write %s: see the lines above, delete that folder and run the same "
            "command again." % folder
        )
    python = os.path.join(folder, "Scripts" if os.name == "nt" else "bin", "python")
    install_cpu_torch(python, torch_of(requirements))
    if subprocess.call([python] + PIP + ["-r", requirements]) != 0:
        stop(
            "pip could not install %s: check the network and the disk, then run the same "
            "command again." % requirements
        )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        stop("Usage: python3 tools/make_venv.py FOLDER REQUIREMENTS")
    main(*sys.argv[1:])
