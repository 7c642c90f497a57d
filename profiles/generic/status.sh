#!/bin/sh
# Say whether a job of PBS, LSF or SGE is running, or ended in success or failed.
job=$1
if command -v bjobs > /dev/null; then
    job=$(echo "$job" | sed 's/.*<\([0-9]*\)>.*/\1/')
    case $(bjobs -noheader -o stat "$job" 2> /dev/null) in
        DONE) echo success ;;
        EXIT | ZOMBI) echo failed ;;
        *) echo running ;;
    esac
elif command -v qacct > /dev/null; then
    if qstat -j "$job" > /dev/null 2>&1; then
        echo running
    elif record=$(qacct -j "$job" 2> /dev/null); then
        echo "$record" | awk '/^(failed|exit_status)/ && $2 != 0 { bad = 1 }
            END { print bad ? "failed" : "success" }'
    else
        echo running # its record is written a little later
    fi
else
    qstat -x -f "$job" 2> /dev/null | awk '
        /job_state =/ { state = $3 }
        /Exit_status =/ { status = $3 }
        END {
            if (state != "F" && state != "C") print "running"
            else print status == "0" ? "success" : "failed"
        }'
fi
