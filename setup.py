"""Packaging of progress bridge; tool settings live in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "bridge/__init__.py").read_text()).group(1)

SQL = ["SQLAlchemy>=2.0.30", "psycopg[binary]>=3.1"]
REDIS = ["redis>=5"]
DELIVERY = ["prometheus-client>=0.17", "tenacity>=8.2"]
DIRECT = ["itsdangerous>=2.1"]
SERVICE = [
    "fastapi>=0.115",
    "fastapi-offline>=1.7",  # Swagger UI for the page /docs, from our own server
    "limits>=4.2",
    "orjson>=3.10",
    "httptools>=0.6",
    "uvicorn>=0.37",
    "uvloop>=0.19",
    *DELIVERY,
]
TEST = [
    "Babel>=2.14",  # the XBlock's French
    "chevron>=0.14",  # the Moodle plugin's templates
    "directus-sdk-py==1.1.0",  # what `make bench` compares with
    "done-xblock>=2.5",  # what `make bench` compares the XBlock with
    "Flask>=3",  # an example of a direct site
    "huey>=2.5",  # what `make bench` compares the outbox with
    "httpx>=0.27",
    "hypothesis>=6.100",
    "mypy>=1.14",
    "persist-queue>=1.0",  # the same
    "pytest>=8",
    "pytest-xdist>=3.6",  # half of the tests' time is waiting for servers: two at once
    "ruff>=0.9",
    "schemathesis>=4",
    "setuptools>=70.1",  # builds the wheel; earlier ones need another package for it
    "selenium>=4.20",
    "time-machine>=3",  # clocks that jump; before 3 it moves the stopwatch too
    "trustme>=1.1",
    "types-PyYAML",
    "types-requests",
    "xblock-sdk>=0.14",
    "XBlock[django]>=5",
]

setup(
    name="progress-bridge",
    version=VERSION,
    description="One learner record for FunMooc (Open edX), Moodle and a direct website",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    python_requires=">=3.11",
    packages=find_packages(include=["bridge", "bridge.*", "progress_xblock", "progress_xblock.*"]),
    package_data={
        "bridge": [
            "py.typed",
            "stores/directus/setup/*.yaml",
            "outbox/sqlite/*.sql",
            "outbox/redis/lua/*.lua",
            "service/static/*",
        ],
        "progress_xblock": ["py.typed", "static/*/*", "templates/*", "translations/*/*/*"],
    },
    # What the LMS process needs, and nothing that Open edX does not pin already.
    install_requires=[
        "XBlock>=4",
        "web-fragments>=2",
        "requests>=2.28",
        "PyYAML>=6",
        "click>=8",
        "PyJWT>=2.4",
    ],
    extras_require={
        "sql": SQL,
        "redis": REDIS,
        "delivery": DELIVERY,
        "direct": DIRECT,
        "service": SERVICE,
        "test": SQL + REDIS + DELIVERY + DIRECT + SERVICE + TEST,
    },
    entry_points={
        "console_scripts": ["progress-bridge = bridge.cli:main"],
        "xblock.v1": ["progress = progress_xblock:ProgressXBlock"],
        "lms.djangoapp": ["progress_xblock = progress_xblock.apps:ProgressXBlockConfig"],
        "cms.djangoapp": ["progress_xblock = progress_xblock.apps:ProgressXBlockConfig"],
    },
)
