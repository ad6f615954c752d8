# LDA on many machines: likelihood against time, and the speed-up over the smallest cluster.
# Variables: directory (of the sweep lda-scale), output, picture.
width = 960
height = 430
load plots.'/style.gp'
groups = directory.'/groups.csv'
stats groups using (column('nodes')) nooutput
count = STATS_records
smallest = STATS_min
largest = STATS_max
stats groups using (column('nodes') == smallest ? column('time_to_target_s') : NaN) nooutput
slowest = STATS_max
nodes = '1000 2000 4000 6000'
set multiplot layout 1,2
set key inside bottom right vertical
set xlabel 'simulated time (s)'
set ylabel 'log-likelihood per token'
set xrange [0:*]
set format y '%g'
plot for [i=1:words(nodes)] directory.'/nodes-'.word(nodes, i).'_seed-1/metrics.csv' \
     using (column('time_s')):(column('clock_min') > 0 ? column('loglik_per_token') : 1/0) \
     with linespoints linetype i title word(nodes, i).' machines'
set key inside top left vertical
set xlabel 'machines'
set ylabel 'speed-up to the same likelihood'
set xrange [0:largest * 1.08]
set yrange [0:*]
plot groups using (column('nodes')):(slowest / column('time_to_target_s')) with linespoints linetype 1 title 'measured', \
     [smallest:largest] x / smallest with lines linetype 8 title 'ideal', \
     '+' using (6 * smallest):(4) every ::0::0 with points linetype 2 ps 1.5 title 'OSDI 2014, about 4'
unset multiplot
