# LDA on 1 to 32 machines: likelihood against time, and the speed-up over one machine under both policies.
# Variables: directory (of the sweep ssp-lda-nodes), output, picture.
width = 960
height = 430
load plots.'/style.gp'
policies = 'bsp ssp:4'
folders = 'bsp ssp-4'
nodes = '1 2 4 8 16 32'
groups = directory.'/groups.csv'
time_of(policy, n) = strcol('policy') eq policy && column('nodes') == n ? column('time_to_target_s') : NaN
array alone[2]
do for [p=1:2] {
    stats groups using (time_of(word(policies, p), 1)) nooutput
    alone[p] = STATS_max
}
# Groups of the other policy are left out, not gaps in the curve.
set datafile missing NaN
set multiplot layout 1,2
set key inside bottom right vertical
set xlabel 'simulated time (s)'
set ylabel 'log-likelihood per token'
set logscale x
set format y '%g'
plot for [i=1:6] directory.'/nodes-'.word(nodes, i).'_policy-ssp-4_seed-1/metrics.csv' \
     using (column('time_s')):(column('clock_min') > 0 ? column('loglik_per_token') : 1/0) \
     with lines linetype i title word(nodes, i).' machines, ssp:4'
set key inside top left vertical
set xlabel 'machines'
set ylabel 'speed-up to the same likelihood'
set logscale xy 2
set xrange [0.9:36]
set yrange [0.8:40]
plot for [p=1:2] groups \
     using (strcol('policy') eq word(policies, p) ? column('nodes') : NaN):(alone[p] / column('time_to_target_s')) \
     with linespoints linetype p title word(policies, p), \
     [1:32] x with lines linetype 8 title 'ideal'
unset multiplot
