"""Looking at everything that the database holds, as somebody who stole its disk would."""

from __future__ import annotations

from tests.owner import owner_cursor


def readable(words: tuple[str, ...]) -> list[str]:
    """``table: word`` wherever a word can be read in any column of any table, as text or as plain bytes."""
    found = []
    with owner_cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        tables = [row[0] for row in cursor.fetchall()]
        cursor.execute("SET LOCAL ROLE cw_backup")
        for table in tables:
            for word in words:
                # A row as text shows bytes in hexadecimal: unsealed bytes are found by the word's own.
                cursor.execute(
                    f"SELECT count(*) FROM {table} AS whole WHERE whole::text ILIKE %s OR whole::text ILIKE %s",
                    [f"%{word}%", f"%{word.encode().hex()}%"],
                )
                if cursor.fetchone()[0]:
                    found.append(f"{table}: {word}")
    return found
