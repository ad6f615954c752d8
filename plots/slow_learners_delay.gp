# Progressive error (log2) and loss against examples for several delays, the picture of Langford et al. (2009).
# Variables: directory (of the sweep slow-learners-delay), output, picture.
width = 960
height = 430
load plots.'/style.gp'
delays = '0 10 100 1000'
if (!exists("suffix")) suffix = 'step-0.1'
if (!exists("what")) what = 'mails'
if (!exists("seen_max")) seen_max = 38
measures(i) = directory.'/delay-'.word(delays, i).'_'.suffix.'/metrics.csv'
seen(name) = column('examples') > 0 ? column(name) : 1/0
set multiplot layout 1,2
set key inside top right vertical
set xlabel what.' seen (thousands)'
set xrange [0:seen_max]
set ylabel 'log_2 of the progressive error'
set format y '%g'
plot for [i=1:4] measures(i) using (seen('examples') / 1000):(log(seen('progressive_error')) / log(2)) \
     with lines linetype i title 'delay '.word(delays, i)
set ylabel 'progressive log-loss'
set logscale y
plot for [i=1:4] measures(i) using (seen('examples') / 1000):(seen('progressive_loss')) \
     with lines linetype i title 'delay '.word(delays, i)
unset multiplot
