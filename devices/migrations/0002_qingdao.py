"""The districts of Qingdao: a first compound needs one.

Codes are GB/T 2260's; rows are the operator's to correct.
"""

from django.db import migrations

DISTRICTS = {
    "370202": "市南区",
    "370203": "市北区",
    "370211": "黄岛区",
    "370212": "崂山区",
    "370213": "李沧区",
    "370214": "城阳区",
    "370215": "即墨区",
    "370281": "胶州市",
    "370283": "平度市",
    "370285": "莱西市",
}


def enter(apps, _schema_editor):
    """Enter what is not there yet."""
    for code, name in DISTRICTS.items():
        apps.get_model("devices", "District").objects.get_or_create(code=code, defaults={"name": name})


class Migration(migrations.Migration):
    dependencies = [("devices", "0001_initial")]
    operations = [migrations.RunPython(enter, migrations.RunPython.noop, elidable=False)]
