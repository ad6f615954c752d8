# Compute and wait of each worker over the whole run, stacked.
# Variables: file (workers.csv), output, picture.
load plots.'/style.gp'
set xlabel 'worker'
set ylabel 'time (s)'
set xrange [-0.6:*]
set yrange [0:*]
set boxwidth 0.8
stats file using 'rank' nooutput
set xrange [-0.6:STATS_max+0.6]
if (STATS_max <= 16) set xtics 0,1
plot file using (column('rank')):(column('compute_s')+column('wait_s')) smooth frequency with boxes \
       lc rgb wait_colour title 'waiting', \
     file using (column('rank')):(column('compute_s')) smooth frequency with boxes \
       lc rgb compute_colour title 'computing'
