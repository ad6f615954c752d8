# LDA where the network is the bottleneck: likelihood against time, and how far workers drift apart.
# Variables: directory (of the sweep async-lda), output, picture.
width = 960
height = 430
load plots.'/style.gp'
policies = 'bsp ssp:2 ssp:8 async'
folders = 'bsp ssp-2 ssp-8 async'
measures(i) = directory.'/policy-'.word(folders, i).'_seed-1/metrics.csv'
set multiplot layout 1,2
set format y '%g'
set key inside bottom right vertical
set xlabel 'simulated time (s)'
set ylabel 'log-likelihood per token'
set xrange [0:*]
plot for [i=1:words(policies)] measures(i) \
     using (column('time_s')):(column('clock_min') > 0 ? column('loglik_per_token') : 1/0) \
     with lines linetype i title word(policies, i)
set key inside top right vertical
set ylabel 'clocks between the fastest and the slowest worker'
plot for [i=1:words(policies)] measures(i) \
     using (column('time_s')):(column('clock_max') - column('clock_min')) \
     with lines linetype i title word(policies, i)
unset multiplot
