"""Airflow: a night over the reviews. For the folder of DAGs; what to change, and why: docs/operations.md."""

import re
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

WORK_LEFT = 4  # at --deadline: tomorrow's run continues, and what needs all results is skipped
IN_VAIN = (2, 3, 70)  # a mistake in the command, too many rejects, a bug: trying again changes nothing


class Night(BashOperator):
    """A run of reviewbatch. What fails is tried again, unless that would be in vain."""

    def execute(self, context: Any) -> Any:
        """Run the command, and tell by its exit status what is to become of the task."""
        try:
            return super().execute(context)
        except AirflowSkipException:
            raise
        except AirflowException as error:
            code = re.search(r"exit code (\d+)", str(error))
            if code and int(code[1]) in IN_VAIN:
                raise AirflowFailException(str(error)) from error
            raise


with DAG(
    "reviewbatch",
    schedule="0 22 * * *",
    catchup=False,
    max_active_runs=1,  # an output folder belongs to one run at a time
):
    Night(
        task_id="sentiment",
        bash_command="reviewbatch run sentiment -i incoming -o out --deadline 8h --max-rejects 1000 --quiet",
        cwd="/srv/reviews",
        skip_on_exit_code=WORK_LEFT,
        retries=3,
        retry_delay=timedelta(minutes=10),
    )
