# Process 1 of the images: sh init.sh <command> [argument...]
#
# Process 1 inherits every process whose parent is gone, and has to wait for each, or they stay as zombies. Node waits for its own children alone; a shell waits for all. This one
# starts the service, hands signals on to it, and ends with its exit code.
"$@" &
child=$!
for name in TERM INT HUP QUIT USR1 USR2; do
  # The name is meant now, the child when the signal comes.
  trap "kill -$name \$child 2> /dev/null" $name
done
while :; do
  wait "$child"
  code=$?
  # A signal that was handed on ends the wait as well; then the child is still there.
  kill -0 "$child" 2> /dev/null || exit "$code"
done
