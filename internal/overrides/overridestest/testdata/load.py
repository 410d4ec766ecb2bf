"""Reads a JSON list of texts and writes what Ansible's own loader makes of each."""
import datetime
import json
import math
import sys

from ansible.errors import AnsibleError
from ansible.parsing.utils.yaml import from_yaml


def key(k):
    if isinstance(k, datetime.date):
        return k.isoformat()
    return json.dumps(k) if k is None or isinstance(k, bool) else str(k)


def plain(v):
    if v is None or isinstance(v, bool):
        return v
    if isinstance(v, datetime.date):
        return v.isoformat()
    if isinstance(v, float) and math.isnan(v):
        return ".nan"
    if isinstance(v, float) and math.isinf(v):
        return ".inf" if v > 0 else "-.inf"
    if isinstance(v, (int, float)):
        return {"number": repr(v)}
    if isinstance(v, dict):
        return {"map": {key(k): plain(x) for k, x in v.items()}}
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    return str(v)


results = []
for text in json.load(sys.stdin):
    try:
        results.append({"value": plain(from_yaml(text))})
    except AnsibleError as e:
        results.append({"error": str(e)})
json.dump(results, sys.stdout)
