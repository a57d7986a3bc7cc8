"""The catalogue audit: who owns what, who may do what, and that every tenant key begins with its tenant (Q14)."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

RUN_TIME = ("bypunkt_ingest", "bypunkt_worker", "bypunkt_web", "bypunkt_read", "bypunkt_app")

# Tables that hold no tenant's rows, and why they need no row-level security.
NO_TENANT = {
    "migration": "the ledger of the schema; no run-time role may read it",
    "installation": "one row; holds the key of fingerprints, readable by ingest alone",
    "lane": "positions of the log; a lane's number says nothing",
    "lane_holder": "processes at work; random ids",
    "lane_lease": "which process works in which lane",
    "given_name": "names that are taken, so that none is given twice, in whatever municipality",
    "web_session": "hashes of cookies; found only by somebody who has the cookie",
}
# Keys that need not begin with the municipality, and why.
OTHER_KEYS = {
    "observation": "belongs to a lane",
    "reading_cursor": "belongs to a lane",
    "status_lane": "belongs to a lane",
    "goal_lane": "belongs to a lane",
    "availability_lane": "belongs to a lane",
    "usage_lane": "belongs to a lane",
    "person": "may work for the whole installation",
    "municipality": "is the tenant itself",
}


@pytest.fixture
async def catalogue(admin_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(admin_url)
    yield connection
    await connection.close()


TABLES = """
SELECT c.relname AS name, c.relrowsecurity AS secured, pg_get_userbyid(c.relowner) AS owner, c.relispartition AS leaf,
       c.oid
FROM pg_class AS c WHERE c.relnamespace = 'bypunkt'::regnamespace AND c.relkind IN ('r', 'p')
"""


async def test_every_tenant_table_has_row_level_security(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    tables = [row for row in await catalogue.fetch(TABLES) if not row["leaf"]]
    assert {row["name"] for row in tables if not row["secured"]} == set(NO_TENANT)


async def test_every_policy_checks_what_is_written_as_well(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    rows = await catalogue.fetch(
        "SELECT tablename, policyname FROM pg_policies WHERE schemaname = 'bypunkt'"
        " AND cmd <> 'SELECT' AND (qual IS NULL OR with_check IS NULL)"
    )
    assert [tuple(row) for row in rows] == []


async def test_every_tenant_key_begins_with_the_municipality(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    rows = await catalogue.fetch(
        "SELECT c.relname AS name, a.attname AS first FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid"
        " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]"
        " WHERE k.contype = 'p' AND c.relnamespace = 'bypunkt'::regnamespace AND NOT c.relispartition"
    )
    wrong = {row["name"] for row in rows if row["first"] != "municipality"}
    assert wrong == {*NO_TENANT, *OTHER_KEYS}


async def test_every_partition_of_the_log_has_its_key_and_the_key_begins_with_the_municipality(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    await catalogue.execute("SELECT bypunkt.make_event_partitions(now(), now())")
    rows = await catalogue.fetch(
        "SELECT t.relid::text AS name, array_agg(pg_get_indexdef(i.indexrelid)) FILTER (WHERE i.indisunique) AS keys"
        " FROM pg_partition_tree('bypunkt.event') AS t LEFT JOIN pg_index AS i ON i.indrelid = t.relid"
        " WHERE t.isleaf GROUP BY 1"
    )
    assert len(rows) == 3
    for row in rows:
        (key,) = row["keys"]
        assert key.endswith("(municipality, device, at, hashtextextended(id, (0)::bigint))"), key


async def test_run_time_roles_own_nothing_and_are_no_superusers(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    owners = {row["owner"] for row in await catalogue.fetch(TABLES)}
    assert owners == {"bypunkt_owner"}
    roles = await catalogue.fetch(
        "SELECT rolname, rolsuper, rolcreaterole, rolbypassrls, rolinherit FROM pg_roles WHERE rolname = ANY($1)",
        list(RUN_TIME),
    )
    assert len(roles) == len(RUN_TIME)
    assert not [row["rolname"] for row in roles if any(list(row)[1:])]


async def test_nobody_has_rights_on_a_partition(catalogue: "asyncpg.Connection[asyncpg.Record]") -> None:
    await catalogue.execute("SELECT bypunkt.make_event_partitions(now(), now())")
    rows = await catalogue.fetch(
        "SELECT c.relname FROM pg_class AS c, aclexplode(c.relacl) AS a"
        " WHERE c.relispartition AND c.relnamespace = 'bypunkt'::regnamespace"
        " AND pg_get_userbyid(a.grantee) <> 'bypunkt_owner'"
    )
    assert [row["relname"] for row in rows] == []


async def test_the_public_role_reads_public_views_and_nothing_else(
    catalogue: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    rows = await catalogue.fetch(
        "SELECT c.relname, a.privilege_type FROM pg_class AS c, aclexplode(c.relacl) AS a"
        " WHERE c.relnamespace = 'bypunkt'::regnamespace AND pg_get_userbyid(a.grantee) = 'bypunkt_read'"
    )
    assert {tuple(row) for row in rows} == {
        ("public_municipality", "SELECT"), ("public_point", "SELECT"), ("public_device_state", "SELECT"),
        ("public_availability_day", "SELECT"), ("public_maintenance", "SELECT"), ("public_hours_exception", "SELECT"),
    }  # fmt: skip
    assert not await catalogue.fetch(
        "SELECT FROM pg_class AS c, aclexplode(c.relacl) AS a"
        " WHERE c.relnamespace = 'bypunkt'::regnamespace AND a.grantee = 0"
    )
