"""The courses: kept in the document store, found through the search service."""
import functools
import json
import urllib.request

import pymongo
from django.conf import settings
from django.utils import timezone
from django.utils.text import slugify

INDEX = "courses"


@functools.lru_cache(maxsize=None)
def client():
    """The document store's client; made once per process, after gunicorn forked it."""
    config = settings.DOC_STORE_CONFIG
    return pymongo.MongoClient(
        config["host"], config["port"], username=config["user"], password=config["password"],
        authSource=config["authsource"], serverSelectionTimeoutMS=3000, connectTimeoutMS=3000, socketTimeoutMS=5000,
    )


def collection():
    """The collection of courses."""
    return client()[settings.DOC_STORE_CONFIG["db"]]["courses"]


def every():
    """All courses, by title."""
    return [_view(course) for course in collection().find().sort("title", pymongo.ASCENDING)]


def save(title, text, picture=""):
    """Stores a course under a name made from its title, and makes it findable."""
    course = {"_id": slugify(title)[:80], "title": title, "text": text, "picture": picture,
              "created": timezone.now()}
    if not course["_id"]:
        raise ValueError("a course's title needs a letter or a digit")
    collection().replace_one({"_id": course["_id"]}, course, upsert=True)
    index(course)
    return course["_id"]


def index(course):
    """Puts a course into the search index."""
    search_request("PUT", f"/{INDEX}/_doc/{course['_id']}", {"title": course["title"], "text": course["text"]})


def find(words):
    """The courses that hold one of the words, best first."""
    answer = search_request("POST", f"/{INDEX}/_search",
                            {"query": {"query_string": {"query": words}}, "size": 50})
    names = [hit["_id"] for hit in answer["hits"]["hits"]]
    found = {course["_id"]: course for course in collection().find({"_id": {"$in": names}})}
    return [_view(found[name]) for name in names if name in found]


def _view(course):
    # Templates cannot read a key that starts with an underscore.
    return {**course, "name": course["_id"]}


def search_request(method, path, body=None):
    """Calls the search service and returns its decoded answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(settings.SEARCH_URL + path, data=data, method=method,
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=3) as response:
        return json.load(response)
