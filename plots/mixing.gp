# Averaging after every pass against exchanging all the time: objective against time and against bytes.
# Variables: directory (of the sweep mixing), output, picture.
width = 960
height = 430
load plots.'/style.gp'
folders = 'mixing-yes_policy-bsp_batch-0.999 mixing-yes_policy-bsp_batch-0.01 mixing-no_policy-bsp_batch-0.01 mixing-no_policy-ssp-3_batch-0.01'
names = '"mean of each pass, bsp" "mean of 1/100, bsp" "sum of 1/100, bsp" "sum of 1/100, ssp:3"'
measures(i) = directory.'/'.word(folders, i).'_seed-1/metrics.csv'
past(name) = column('clock_min') > 0 ? column(name) : 1/0
set multiplot layout 1,2
set format '%g'
set logscale x
set yrange [0.32:0.42]
set key inside top right vertical
set xlabel 'simulated time (s)'
set ylabel 'objective'
plot for [i=1:4] measures(i) using (past('time_s')):(past('objective')) with lines linetype i title word(names, i)
set xlabel 'sent (bytes)'
set format x '10^{%T}'
plot for [i=1:4] measures(i) using (past('bytes_sent')):(past('objective')) with lines linetype i title word(names, i)
unset multiplot
