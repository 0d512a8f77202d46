console.log('plot')
