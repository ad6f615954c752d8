# Five samplers for LDA: likelihood against passes and against time, a column per K; below, the time of a pass against K.
# Variables: directory (of the sweep lda-samplers), output, picture.
width = 960
height = 900
load plots.'/style.gp'
samplers = 'dense sparse alias light warp'
topics = '100 1000 10000'
run(s, k) = directory.'/sampler-'.s.'_topics-'.k.'_seed-1/metrics.csv'
set multiplot
set size 0.33,0.30
unset key
set format y '%g'
do for [k=1:3] {
    set origin 0.005 + 0.332 * (k - 1),0.66
    set title 'K = '.word(topics, k)
    set xlabel 'pass'
    set ylabel (k == 1 ? 'log-likelihood per token' : '')
    set xrange [0:*]
    plot for [i=1:5] run(word(samplers, i), word(topics, k)) \
         using (column('clock_min')):(column('clock_min') > 0 ? column('loglik_per_token') : 1/0) \
         with lines linetype i notitle
}
unset title
do for [k=1:3] {
    set origin 0.005 + 0.332 * (k - 1),0.36
    set xlabel 'time (s)'
    set ylabel (k == 1 ? 'log-likelihood per token' : '')
    set logscale x
    set format x '10^{%L}'
    set xrange [*:*]
    plot for [i=1:5] run(word(samplers, i), word(topics, k)) \
         using (column('time_s')):(column('clock_min') > 0 ? column('loglik_per_token') : 1/0) \
         with lines linetype i notitle
}
set origin 0.005,0.005
set size 0.99,0.34
set key outside right center vertical
set logscale xy
set xrange [80:12500]
set yrange [*:*]
set format x '%g'
set xtics (100,1000,10000)
set format y '10^{%L}'
set xlabel 'topics K'
set ylabel 'computing per pass (s)'
# Times of a pass are means over the run; clock 0 counts the first topics and costs little.
plot for [i=1:5] directory.'/groups.csv' \
     using (strcol('sampler') eq word(samplers, i) ? column('topics') : 1/0):(column('compute_s')/column('clocks')) \
     with linespoints linetype i title word(samplers, i)
unset multiplot
