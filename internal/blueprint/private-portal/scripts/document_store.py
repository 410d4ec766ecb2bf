"""Does in the document store what MongoDB's dump and restore commands cannot.

    document_store.py describe
    document_store.py switch|switch-back DATABASES STATE
    document_store.py clean DATABASES

DATABASES is a file with what `describe` printed. A restore loads collections as
portal_restore.<name>; `switch` renames those of now to portal_before.<name> and
the loaded ones to <name>. It writes their names to the file STATE before, by
which `switch-back` undoes as much as was done. `clean` drops what has either
prefix.
"""
import json
import os
import sys

import pymongo

SYSTEM = ("admin", "config", "local")
NEW, OLD = "portal_restore.", "portal_before."


def connect():
    """Returns a client with the password that only the ops tasks read."""
    with open("/portal/secrets/mongo.yml", encoding="utf-8") as file:
        password = json.loads(file.read().split(":", 1)[1])
    return pymongo.MongoClient("mongo", 27017, username="edxapp", password=password, authSource="admin",
                               serverSelectionTimeoutMS=20000)


def names(database, kind="collection"):
    """Returns the names of the collections or views, without the server's own."""
    return sorted(item["name"] for item in database.list_collections()
                  if item.get("type", "collection") == kind and not item["name"].startswith("system."))


def rename(database, old, new):
    """Renames a collection; the new name must be free."""
    database[old].rename(new)


def describe(client):
    """Prints the server's version, and its databases with their views."""
    found = [name for name in client.list_database_names() if name not in SYSTEM]
    print(json.dumps({
        "version": client.server_info()["version"],
        "databases": [{"name": name, "views": names(client[name], "view")} for name in sorted(found)],
    }))


def switch(client, databases, state):
    """Puts the loaded collections in place of those of now."""
    loaded = {name: [c.removeprefix(NEW) for c in names(client[name]) if c.startswith(NEW)] for name in databases}
    with open(state + ".part", "w", encoding="utf-8") as file:
        json.dump(loaded, file)
    os.rename(state + ".part", state)
    for name, collections in loaded.items():
        database = client[name]
        for collection in names(database):
            if not collection.startswith((NEW, OLD)):
                rename(database, collection, OLD + collection)
        for collection in collections:
            rename(database, NEW + collection, collection)


def switch_back(client, state):
    """Undoes what `switch` has done, which may be a part of it or nothing."""
    if not os.path.exists(state):
        return
    with open(state, encoding="utf-8") as file:
        loaded = json.load(file)
    for name, collections in loaded.items():
        database = client[name]
        there = names(database)
        moved = [c for c in collections if c in there and NEW + c not in there]
        for collection in moved:
            rename(database, collection, NEW + collection)
        for collection in there:
            if collection.startswith(OLD):
                rename(database, collection, collection.removeprefix(OLD))


def clean(client, databases):
    """Drops the collections that a restore works with."""
    for name in databases:
        for collection in names(client[name]):
            if collection.startswith((NEW, OLD)):
                client[name].drop_collection(collection)


def main():
    """Runs the command; an error is one line."""
    command, *arguments = sys.argv[1:]
    databases = []
    if arguments:
        with open(arguments[0], encoding="utf-8") as file:
            databases = [database["name"] for database in json.load(file)["databases"]]
    client = connect()
    try:
        if command == "describe":
            describe(client)
        elif command == "switch":
            switch(client, databases, arguments[1])
        elif command == "switch-back":
            switch_back(client, arguments[1])
        elif command == "clean":
            clean(client, databases)
        else:
            sys.exit(f"there is no command {command}")
    except pymongo.errors.PyMongoError as error:
        sys.exit(f"{type(error).__name__}: {str(error).splitlines()[0]}")


main()
