import { behaviorApi } from './lib/api';

// Get customer segments
async function getSegments() {
  const response = await behaviorApi.getSegments('upload_abc123');
  
  if (response.success) {
    console.log('Segments:', response.data.segments);
    
    // Display segment distribution
    response.data.segments.forEach(segment => {
      console.log(`${segment.segment_name}: ${segment.customer_count} customers`);
    });
  } else {
    console.error('Error:', response.error);
  }
}

// Get affinity network
async function getAffinityNetwork() {
  const response = await behaviorApi.getAffinityNetwork('upload_abc123');
  
  if (response.success) {
    const { nodes, links } = response.data;
    console.log(`Network: ${nodes.length} products, ${links.length} connections`);
  }
}

// Get recommendations
async function getRecommendations() {
  const response = await behaviorApi.getRecommendations('upload_abc123');
  
  if (response.success) {
    const highPriority = response.data.recommendations.filter(
      r => r.priority === 'High'
    );
    console.log('High Priority Actions:', highPriority);
  }
}
