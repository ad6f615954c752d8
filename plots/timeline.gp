# What each worker does when: a bar per clock, first waiting, then computing; the computing of every other clock is
# lighter. The first clocks and workers alone, so that there is something to see.
# Variables: file (workers.csv), clocks_shown, ranks_shown, output, picture.
load plots.'/style.gp'
c = int(clocks_shown)
r = int(ranks_shown)
shown(x) = (column('clock') < c && column('rank') < r) ? x : NaN
stats file using 'rank' nooutput
top = STATS_max < r - 1 ? STATS_max : r - 1
set xlabel sprintf('time (s); the first %d clocks', c)
set ylabel 'worker'
unset grid
if (top <= 16) set ytics 0,1
stats file using (shown(column('end_s'))) nooutput
set xrange [0:STATS_max*1.01]
set yrange [top+0.6:-0.6]
half = 0.38
plot file using (shown(column('start_s'))):(column('rank')):(column('start_s')):(column('start_s')+column('wait_s')):\
       (column('rank')-half):(column('rank')+half) with boxxyerror lc rgb wait_colour title 'waiting', \
     file using (int(column('clock'))%2==0?shown(column('start_s')):NaN):(column('rank')):(column('start_s')+column('wait_s')):\
       (column('start_s')+column('wait_s')+column('compute_s')):(column('rank')-half):(column('rank')+half) \
       with boxxyerror lc rgb compute_colour title 'computing, even clock', \
     file using (int(column('clock'))%2==1?shown(column('start_s')):NaN):(column('rank')):(column('start_s')+column('wait_s')):\
       (column('start_s')+column('wait_s')+column('compute_s')):(column('rank')-half):(column('rank')+half) \
       with boxxyerror lc rgb compute_colour_2 title 'odd clock'
