# LDA under bsp, ssp and async, the four pictures of Ho et al. (2013): likelihood against time; computing and waiting
# against s; clocks against time (quantity); likelihood against clocks (quality).
# Variables: directory (of the sweep ssp-lda), output, picture.
width = 960
height = 820
load plots.'/style.gp'
policies = 'bsp ssp:1 ssp:2 ssp:4 ssp:8 ssp:16 ssp:32 async'
folders = 'bsp ssp-1 ssp-2 ssp-4 ssp-8 ssp-16 ssp-32 async'
measures(i) = directory.'/policy-'.word(folders, i).'_seed-1/metrics.csv'
measured(name) = column('clock_min') > 0 ? column(name) : 1/0
set multiplot
set format y '%g'
set key off
set origin 0.005,0.5
set size 0.43,0.49
set xlabel 'simulated time (s)'
set ylabel 'log-likelihood per token'
plot for [i=1:8] measures(i) using (measured('time_s')):(measured('loglik_per_token')) \
     with lines linetype i title word(policies, i)
set origin 0.005,0.0
set ylabel 'clocks of the slowest worker'
plot for [i=1:8] measures(i) using (column('time_s')):(column('clock_min')) \
     with lines linetype i title word(policies, i)
set key outside right center vertical
set origin 0.435,0.0
set size 0.56,0.49
set xlabel 'clock'
set ylabel 'log-likelihood per token'
plot for [i=1:8] measures(i) using (measured('clock_min')):(measured('loglik_per_token')) \
     with lines linetype i title word(policies, i)
set origin 0.435,0.5
set style data histograms
set style histogram rowstacked
set boxwidth 0.7
set yrange [0:*]
unset xlabel
set ylabel 'time of all workers (s)'
set xtics rotate by -35 noenhanced
plot directory.'/groups.csv' using 'compute_s':xtic(strcol('policy')) lc rgb compute_colour title 'computing', \
     '' using 'wait_s' lc rgb wait_colour title 'waiting'
unset multiplot
