-- From the beginning to the end of time, without a gap and without an overlap.
select person_key, said_from, said_to
from (
    select
        person_key,
        arraySort(groupArray((valid_from, valid_to))) as versions,
        arrayPushBack(versions.1, {{ end_of_time() }}) as said_from,
        arrayPushFront(versions.2, {{ beginning() }}) as said_to
    from {{ ref('dim_users') }}
    group by person_key
)
where said_from != said_to
